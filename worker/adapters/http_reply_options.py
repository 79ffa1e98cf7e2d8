"""The keys of the adapter ``http`` that say how answers are read.

The class of an answer comes from its status, and is changed by the code of an error in its body
where ``error_codes`` lists it. Where success and error have the same status, ``success_path``
makes the body decide:

    success_status = [200]
    success_path = "messages.*.status"      # accepted if one of them is
    success_values = ["0"]                  # one of these; unset: anything at all
    error_code_path = "messages.*.status"   # otherwise this code decides
    unlisted_code = "rejected"              # also a code that is in no list
    error_codes = { throttled = [1, 10], blocked = [4, 8, 9] }
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from worker.adapters.http_paths import EachPath, EachPaths, Path
from worker.adapters.options import HeaderName, Options

#: What an answer means; ``gone``: rejected, and the address is dead for ever; ``repeated``: the
#: provider knows the reference, so what was in doubt had arrived, and anything else is unknown.
Class = Literal[
    "accepted",
    "repeated",
    "throttled",
    "throttled_recipient",
    "blocked",
    "rejected",
    "gone",
    "failed",
    "unknown",
]

_LISTS: Mapping[str, Class] = {
    "success_status": "accepted",
    "throttled_status": "throttled",
    "blocked_status": "blocked",
    "rejected_status": "rejected",
    "gone_status": "gone",
    "failed_status": "failed",
    "unknown_status": "unknown",
}

#: What a status means where the file does not say so; any other is unknown. 503 says that the
#: service did not take the request. 408 and 425 say that it did not process it, 307 and 308 that
#: it has to be sent elsewhere (RFC 9110, section 15; RFC 8470, section 5.2). 401 and 402 are about
#: the account, not the recipient, and may be mended while the campaign runs.
_DEFAULT_CLASSES: Mapping[int, Class] = {
    **dict.fromkeys(range(200, 300), "accepted"),
    **dict.fromkeys(range(400, 500), "rejected"),
    **dict.fromkeys((307, 308, 408, 425, 503), "failed"),
    **dict.fromkeys((401, 402), "blocked"),
    429: "throttled",
}

Status = Annotated[int, Field(ge=100, le=599)]


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


#: A value that is compared as text: 105 and "105" are the same.
Word = Annotated[str, BeforeValidator(_word)]


class ErrorCodes(BaseModel):
    """The provider's codes, by what they mean."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)

    accepted: list[Word] = Field(default_factory=list)
    repeated: list[Word] = Field(default_factory=list)
    throttled: list[Word] = Field(default_factory=list)
    #: Too much for this recipient; the account may go on.
    throttled_recipient: list[Word] = Field(default_factory=list)
    blocked: list[Word] = Field(default_factory=list)
    rejected: list[Word] = Field(default_factory=list)
    gone: list[Word] = Field(default_factory=list)
    failed: list[Word] = Field(default_factory=list)
    unknown: list[Word] = Field(default_factory=list)

    def pairs(self) -> Iterator[tuple[str, Class]]:
        """Each code with what it means, which is the key that lists it."""
        for means in get_args(Class):
            for code in getattr(self, means):
                yield code, means


class ReplyOptions(Options):
    """How answers are read."""

    # Each of these replaces the whole default of its class.
    success_status: list[Status] | None = None
    throttled_status: list[Status] | None = None
    blocked_status: list[Status] | None = None
    rejected_status: list[Status] | None = None
    gone_status: list[Status] | None = None
    failed_status: list[Status] | None = None
    unknown_status: list[Status] | None = None

    #: A value that only the body of a success has.
    success_path: EachPath | None = None
    success_values: list[Word] | None = None
    #: The statuses whose body decides; unset: those of success, if success_path is set.
    body_status: list[Status] | None = None

    #: Of several, the first that leads to a value names the error; the first that leads to a code
    #: in a list below says what it means.
    error_code_path: EachPaths | None = None
    error_codes: ErrorCodes = Field(default_factory=ErrorCodes)
    #: What a code means that is in no list, where the body decides.
    unlisted_code: Class = "unknown"

    #: With ``*``: an id for each part of a message.
    message_id_path: EachPath = "id"
    #: How many parts it has, whose ids are then ``id:1``, ``id:2`` and so on.
    part_count_path: Path | None = None

    retry_after_header: HeaderName = "retry-after"
    retry_after_path: Path | None = None
    #: Of the value at retry_after_path.
    retry_after_unit: Literal["s", "ms", "min"] = "s"
    #: Who has to wait for what is classed as throttled.
    throttle_scope: Literal["account", "recipient"] = "account"
    #: Seconds for which a throttled recipient waits if the answer does not say.
    recipient_wait: float | None = Field(default=None, gt=0, le=86_400)

    def classes(self) -> Mapping[int, Class]:
        """The class of each status; a status that has none is unknown."""
        named = {_LISTS[key] for key, _ in self.status_lists()}
        classes = {status: each for status, each in _DEFAULT_CLASSES.items() if each not in named}
        return classes | self.listed_classes()

    def listed_classes(self) -> dict[int, Class]:
        """The same, of the statuses that the file lists."""
        return {status: _LISTS[key] for key, statuses in self.status_lists() for status in statuses}

    def status_lists(self) -> list[tuple[str, list[int]]]:
        """Each key that lists statuses, where it is set."""
        lists = ((key, getattr(self, key)) for key in _LISTS)
        return [(key, statuses) for key, statuses in lists if statuses is not None]

    def read_bodies(self) -> frozenset[int]:
        """The statuses whose body decides."""
        if self.body_status is not None:
            return frozenset(self.body_status)
        if self.success_path is None:
            return frozenset()
        accepted = (status for status, each in self.classes().items() if each == "accepted")
        return frozenset(accepted)
