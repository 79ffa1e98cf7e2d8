"""Each code that the documents of SMS vendors name comes to what it means.

The lists are written down a second time here on purpose: a code that is lost in an adapter sends a
message twice, or to nobody, and no other test would say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from tests.fakes.aws import failure
from tests.fakes.base import Profile, answer
from tests.fakes.smpp import replied
from worker.adapters.base import Blocked, Failed, Outcome, Rejected, Throttled, Unknown


def twilio(code: int) -> Any:
    return answer(400, {"code": code, "message": "x", "status": 400})


def vonage(code: int) -> Any:
    return answer(200, {"message-count": "1", "messages": [{"status": str(code)}]})


def vonage_messages(code: int) -> Any:
    link = f"https://developer.vonage.com/api-errors/messages#{code}"
    return answer(422, {"type": link, "title": "x", "detail": "x", "instance": "x"})


def horisen(code: int) -> Any:
    return answer(420, {"error": {"code": str(code), "message": "x"}})


def messagebird(code: int) -> Any:
    errors = [{"code": code, "description": "x", "parameter": "recipient"}]
    return answer(500 if code == 99 else 422, {"errors": errors})


def telnyx(code: int) -> Any:
    return answer(400, {"errors": [{"code": str(code), "source": {"pointer": "/to"}}]})


def infobip(code: int) -> Any:
    group = 2 if code in (4, 9, 31) else 4 if code in (15, 29) else 5
    status = {"groupId": group, "id": code, "name": f"n{code}"}
    return answer(200, {"messages": [{"messageId": "17-0-aaaaaaaaaaaaa", "status": status}]})


def aws(name: str) -> Any:
    code, _, reason = name.partition(" ")
    return failure(500 if code == "InternalServerException" else 400, code, Reason=reason or None)


#: By vendor: how it says a code, and the codes of each class; ``gone``: rejected for ever.
CODES: Mapping[Any, Mapping[str, tuple[Any, ...]]] = {
    twilio: {
        "throttled": (14107, 20429, 21611, 30001, 60728, 63017, 63018, 63038),
        "blocked": (10001, 20003, 20005, 20403, 20404, 30002),
        "failed": (20503,),
        "gone": (21211,),
        "rejected": (21212, 21408, 21602, 21606, 21610, 21614, 21617, 21635, 30004, 30007),
    },
    vonage: {
        "throttled": (1, 10),
        "blocked": (4, 8, 9, 11, 14, 32),
        "failed": (5,),
        "gone": (33,),
        "rejected": (2, 3, 6, 7, 12, 15, 22, 23, 29),
    },
    vonage_messages: {
        "throttled": (1000,),
        "blocked": (1060, 1070, 1080, 1110, 1140),
        "failed": (1030, 1100, 1180, 1220, 1230, 1241, 1331),
        "gone": (1170, 1190),
        "rejected": (1010, 1020, 1050, 1090, 1120, 1210, 1240, 1250, 1260, 1300, 1310, 1320, 1340),
    },
    horisen: {
        "throttled": (105,),
        "blocked": (103, 104, 113),
        "failed": (101,),
        "rejected": (102, 106, 107, 108, 109, 110, 111, 112, 114, 115),
    },
    messagebird: {
        "blocked": (2, 25),
        "failed": (99,),
        "gone": (9, 10),
        "rejected": (20, 21, 101),
    },
    telnyx: {
        "throttled": (10011, 40011, 40318),
        "blocked": (10009, 10010, 10039, 20012, 20013, 40333),
        "failed": (40002, 40004, 40006),
        "unknown": (10007, 10008),
        "gone": (10002, 10016, 40001, 40012),
        "rejected": (10004, 10015, 40003, 40005, 40008, 40009, 40013, 40014, 40015, 40300),
    },
    infobip: {
        "blocked": (12, 17, 18, 19),
        "failed": (20, 21),
        "unknown": (23,),
        "gone": (8, 52),
        "rejected": (4, 6, 9, 10, 11, 13, 14, 15, 24, 25, 29, 31, 51, 87, 100),
    },
    aws: {
        "throttled": ("ThrottlingException", "TooManyRequestsException"),
        "blocked": (
            "AccessDeniedException",
            "ServiceQuotaExceededException MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",
            "ResourceNotFoundException",
            "ConflictException RESOURCE_NOT_ACTIVE",
            "ConflictException",
        ),
        "failed": ("InternalServerException",),
        "rejected": (
            "ValidationException",
            "ConflictException DESTINATION_PHONE_NUMBER_OPTED_OUT",
            "ConflictException DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
            "ConflictException NO_ORIGINATION_IDENTITIES_FOUND",
        ),
        "unknown": ("SomethingNewException",),
    },
    replied: {
        "throttled": (0x14, 0x58),
        "blocked": (0x05, 0x0D, 0x0E, 0x0F, 0x15, 0x53),
        "failed": (0x08, 0x44, 0x45, 0x64, 0xFE, 0xFF, 0x400),
        "rejected": (
            0x01, 0x02, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x43, 0x48, 0x49, 0x50, 0x51, 0x61, 0x62,
            0x65, 0x66, 0xC2, 0xC3, 0xC4,
        ),
    },
}  # fmt: skip

CLASSES: Mapping[str, type[Outcome]] = {
    "throttled": Throttled,
    "blocked": Blocked,
    "failed": Failed,
    "gone": Rejected,
    "rejected": Rejected,
    "unknown": Unknown,
}


def each() -> Iterator[Any]:
    for said, classes in CODES.items():
        name = "smpp" if said is replied else said.__name__
        for means, codes in classes.items():
            yield pytest.param(name, said, means, codes, id=f"{name}-{means}")


@pytest.mark.parametrize(("name", "said", "means", "codes"), list(each()))
def test_each_code_means_what_the_vendor_says(
    name: str, said: Any, means: str, codes: tuple[Any, ...]
) -> None:
    profile: Profile = import_module(f"tests.fakes.{name}").PROFILE
    for code in codes:
        (found,) = profile.adapter().decode(profile.messages(), said(code))
        assert isinstance(found, CLASSES[means]), code
        assert getattr(found, "gone", False) is (means == "gone"), code
