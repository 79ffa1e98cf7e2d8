"""Callbacks and webhooks with real processes, from the campaign to the receiver."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from campaigns.callbacks import signature
from campaigns.database import Connection
from tests.support.callbacks import CallbackReceiver, receiving_callbacks, say, states
from tests.support.command_line import CommandLine
from tests.support.smtp_server import SmtpFaults
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

TOTAL = 12
QUERY = "campaign=7&token=s3cret&list[]=%7e"
LOOPBACK = {"SLUICE_CALLBACK_NETWORKS": "127.0.0.0/8, ::1/128"}

#: Noted at once in this test; what workers note comes as they send.
REPORTED_KINDS = ("delivered", "bounced", "opened", "clicked")

MAIL = json.dumps({"subject": "Hello", "text": "Dear @first_name"})


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with receiving_callbacks() as running:
        yield running


@pytest.fixture
def running(stack: Callable[..., Stack]) -> Iterator[Stack]:
    """All processes but that of the callbacks, and an account for e-mail beside that for SMS."""
    with SmtpFaults() as mail_server:
        found = stack()
        with Path(found.env["SLUICE_PROVIDERS"]).open("a", encoding="utf-8") as file:
            file.write(
                '[providers.post]\nadapter = "smtp"\nchannel = "email"\nsecurity = "none"\n'
                f'url = "smtp://127.0.0.1:{mail_server.port}"\nmax_in_flight = 2\n'
            )
        found.env["SLUICE_CALLBACK_SECONDS"] = "1"
        found.start()
        yield found


def mail_addresses(conn: Connection) -> tuple[UUID, list[str]]:
    """A group with addresses of e-mail."""
    members = group(conn, "mail", set())
    addresses = [f"reader+{number}@example.com" for number in range(TOTAL)]
    for address in addresses:
        conn.execute(
            "INSERT INTO contacts (group_id, email, fields) VALUES (%s, %s, '{}')",
            (members, address),
        )
    return members, addresses


def mailing(running: Stack, callback: str | None) -> tuple[int, dict[int, str]]:
    """A campaign by e-mail that is sent; its run, and the address at each place of it."""
    members, _ = mail_addresses(running.conn)
    campaign = running.submit(
        included_contact_groups=[str(members)], sending_type="email", provider="post",
        sender="news@example.com", template=MAIL, event_callback=callback,
    )  # fmt: skip
    return sent(running, campaign)


def texting(running: Stack, callback: str | None, **more: Any) -> tuple[int, dict[int, str]]:
    """A campaign by SMS that is sent."""
    members = group(running.conn, f"sms {callback}", numbers(1, TOTAL))
    campaign = running.submit(
        included_contact_groups=[str(members)], sending_type="sms", provider="carrier",
        event_callback=callback, **more,
    )  # fmt: skip
    return sent(running, campaign)


def sent(running: Stack, campaign: UUID) -> tuple[int, dict[int, str]]:
    run_id = running.finished(campaign)
    found = running.conn.execute("SELECT seq, address FROM deliveries WHERE run_id = %s", (run_id,))
    return run_id, {row["seq"]: row["address"] for row in found}


def arrived(receiver: CallbackReceiver, path: str, kind: str, addresses: Sequence[str]) -> None:
    """Wait until these addresses were told, each once."""
    eventually(
        lambda: sorted(receiver.addresses(path, kind)) == sorted(addresses),
        timeout=60,
        message=f"{len(addresses)} {kind} at {path}",
    )


def test_all_five_events_of_e_mail_and_the_two_of_sms_arrive_aggregated_and_once(
    running: Stack, receiver: CallbackReceiver, tmp_path: Path
) -> None:
    worker = running.callbacks_worker(**LOOPBACK)
    command = CommandLine(running.env, tmp_path)
    made = command.json("webhooks", "create", f"{receiver.url}/webhook?key=s3cret")
    run_id, mail = mailing(running, f"{receiver.url}/mail?{QUERY}")
    begun = datetime.now(UTC).timestamp()
    say(running.conn, run_id, "delivered", range(8))
    say(running.conn, run_id, "bounced", range(8, TOTAL))
    say(running.conn, run_id, "opened", range(5))
    say(running.conn, run_id, "clicked", range(2))
    sms_run, telephones = texting(running, f"{receiver.url}/sms")
    say(running.conn, sms_run, "delivered", range(7))
    say(running.conn, sms_run, "failed", range(7, TOTAL))
    say(running.conn, sms_run, "clicked", [0])

    expected = {
        "submitted": range(TOTAL), "delivered": range(8), "bounced": range(8, TOTAL),
        "opened": range(5), "clicked": range(2),
    }  # fmt: skip
    for kind, seqs in expected.items():
        arrived(receiver, "/mail", kind, [mail[seq] for seq in seqs])
    arrived(receiver, "/sms", "delivered", [telephones[seq] for seq in range(7)])
    arrived(receiver, "/sms", "bounced", [telephones[seq] for seq in range(7, TOTAL)])

    # What was noted together came together, to the caller's own URL, in the documented form.
    forms = Counter(taken.form["event"] for taken in receiver.at("/mail"))
    assert {kind: forms[kind] for kind in REPORTED_KINDS} == dict.fromkeys(REPORTED_KINDS, 1)
    for taken in receiver.at("/mail"):
        assert taken.path == f"/mail?{QUERY}"
        assert taken.headers["content-type"] == "application/x-www-form-urlencoded"
        count = len(taken.form) - 2
        assert set(taken.form) == {"event", "when", *(f"email[{n}]" for n in range(count))}
        assert begun - 60 < int(taken.form["when"]) < begun + 60
    assert {taken.form["event"] for taken in receiver.at("/sms")} == {"delivered", "bounced"}
    assert all("telephone[0]" in taken.form for taken in receiver.at("/sms"))

    # The team's endpoint heard of both, signed, on SMS of all five.
    hooks = {
        "email": expected,
        "sms": {
            "submitted": range(TOTAL), "delivered": range(7), "bounced": range(7, TOTAL),
            "clicked": [0],
        },
    }  # fmt: skip

    def told() -> bool:
        found = Counter(
            (one.json["data"]["channel"], one.json["type"].removeprefix("delivery."))
            for one in receiver.at("/webhook")
            for _ in one.json["data"]["deliveries"]
        )
        wanted = {
            (channel, kind): len(seqs)
            for channel, kinds in hooks.items()
            for kind, seqs in kinds.items()
        }
        return found == wanted

    eventually(told, timeout=60, message="the endpoint heard of all")
    key = signature.read(made["secret"])
    for taken in receiver.at("/webhook"):
        stamp = int(taken.headers["webhook-timestamp"])
        wanted = signature.sign(key, taken.headers["webhook-id"], stamp, taken.body)
        assert taken.headers["webhook-signature"] == wanted
    shown = command.json("webhooks", "show", made["id"])
    assert (shown["waiting"], shown["dead"], shown["state"]) == (0, 0, "enabled")
    assert "s3cret" not in json.dumps(shown)

    # Nothing of it in a log.
    assert worker.terminate() == 0
    log = worker.output()
    assert "worker.call" in log
    for secret in ("s3cret", "example.com", "4477", receiver.url, "whsec"):
        assert secret not in log


def test_a_receiver_that_was_down_is_told_when_it_is_back(
    running: Stack, receiver: CallbackReceiver
) -> None:
    running.callbacks_worker(**LOOPBACK)
    receiver.answers["/sms"] = 503
    run_id, telephones = texting(running, f"{receiver.url}/sms")
    say(running.conn, run_id, "delivered", range(TOTAL))
    eventually(lambda: len(receiver.at("/sms")) >= 1, timeout=60, message="it was tried")
    eventually(lambda: states(running.conn) == {("waiting", "http_503"): 1}, message="it waits")
    receiver.taken.clear()
    receiver.answers.clear()
    arrived(receiver, "/sms", "delivered", list(telephones.values()))
    eventually(lambda: states(running.conn) == {("delivered", None): 1}, message="it is settled")


def test_one_that_says_it_is_gone_is_not_asked_again_until_a_person_says_so(
    running: Stack, receiver: CallbackReceiver, tmp_path: Path
) -> None:
    running.callbacks_worker(**LOOPBACK)
    command = CommandLine(running.env, tmp_path)
    made = command.json("webhooks", "create", f"{receiver.url}/hook", "--event", "delivered")
    receiver.answers["/hook"] = 410
    run_id, _ = texting(running, None)
    say(running.conn, run_id, "delivered", range(3))

    def state() -> str:
        return str(command.json("webhooks", "show", made["id"])["state"])

    eventually(lambda: state() == "disabled (gone)", timeout=60, message="it is disabled")
    say(running.conn, run_id, "delivered", range(3, 6))
    receiver.answers.clear()
    assert "enable it first" in command.refused("webhooks", "replay", made["id"])
    command.succeed("webhooks", "enable", made["id"])
    assert command.json("webhooks", "replay", made["id"]) == {"replayed": 1}
    (first,) = receiver.at("/hook")
    eventually(lambda: len(receiver.at("/hook")) == 2, timeout=60, message="it is told again")
    again = receiver.at("/hook")[1]
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.body == first.body
    assert len(again.json["data"]["deliveries"]) == 3


def test_one_that_hangs_holds_up_neither_messages_nor_others(
    running: Stack, receiver: CallbackReceiver
) -> None:
    """More of them at once than the process has threads."""
    receiver.silent.add("/silent")
    running.callbacks_worker(**LOOPBACK)
    campaigns = 12
    members = group(running.conn, "silent", numbers(100, 101))
    silent = [
        running.submit(
            included_contact_groups=[str(members)], event_callback=f"{receiver.url}/silent?{n}"
        )
        for n in range(campaigns)
    ]
    for campaign in silent:
        say(running.conn, running.finished(campaign), "delivered", [0, 1])
    eventually(lambda: receiver.at("/silent"), timeout=60, message="the first hang")
    other = receiver.url.replace("127.0.0.1", "localhost")
    run_id, telephones = texting(running, f"{other}/sms")
    say(running.conn, run_id, "delivered", range(TOTAL))
    arrived(receiver, "/sms", "delivered", list(telephones.values()))
    assert not [state for state, _ in states(running.conn) if state == "dead"]


@pytest.mark.parametrize(("point", "told"), [("call.before", 0), ("call.answered", 1)])
def test_a_worker_that_is_killed_in_the_middle_tells_it_again_under_the_same_id(
    running: Stack, receiver: CallbackReceiver, tmp_path: Path, point: str, told: int
) -> None:
    command = CommandLine(running.env, tmp_path)
    command.succeed("webhooks", "create", f"{receiver.url}/hook")
    doomed = running.callbacks_worker(**LOOPBACK, SLUICE_FAILPOINTS=f"{point}=kill")
    run_id, _ = texting(running, None)
    eventually(lambda: doomed.returncode is not None, timeout=60, message="it was killed")
    assert len(receiver.at("/hook")) == told
    assert states(running.conn) == {("waiting", None): 1}
    # Its lease ends.
    running.conn.execute("UPDATE receivers SET lease_until = now()")
    running.callbacks_worker(**LOOPBACK)
    eventually(lambda: states(running.conn) == {("delivered", None): 1}, message="it is settled")
    calls = receiver.at("/hook")
    assert len(calls) == told + 1
    assert len({(call.headers["webhook-id"], call.body) for call in calls}) == 1
    assert calls[0].json["data"]["run"] == run_id


def test_private_addresses_are_refused_by_name_and_by_number_unless_allowed(
    running: Stack, receiver: CallbackReceiver
) -> None:
    running.callbacks_worker()
    port = receiver.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost"):
        run_id, _ = texting(running, f"http://{host}:{port}/private")
        say(running.conn, run_id, "delivered", [0])
    eventually(
        lambda: states(running.conn) == {("waiting", "private_address"): 2},
        timeout=60,
        message="both are refused",
    )
    assert receiver.taken == []


def test_a_redirect_to_a_private_address_is_not_followed(
    running: Stack, receiver: CallbackReceiver
) -> None:
    receiver.answers["/public"] = 307
    receiver.fields["location"] = f"{receiver.url}/private"
    running.callbacks_worker(**LOOPBACK)
    run_id, _ = texting(running, f"{receiver.url}/public")
    say(running.conn, run_id, "delivered", [0])
    eventually(
        lambda: states(running.conn) == {("waiting", "http_307"): 1},
        timeout=60,
        message="the redirect is a failure",
    )
    assert {taken.path for taken in receiver.taken} == {"/public"}
