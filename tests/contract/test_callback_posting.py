"""One POST to a stranger's server, on real sockets: what counts, how long, and where it may go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.support import faults
from tests.support.callbacks import CallbackReceiver, receiving_callbacks
from tests.support.fault_server import Fault, FaultServer, unused_port
from tests.support.transports import AMPLE, SHORT, run
from worker.callbacks.posting import Poster
from worker.transport.pin import Address

LOOPBACK = [ip_network("127.0.0.0/8")]
HEADERS = {"content-type": "application/json", "webhook-id": "msg_1"}
BODY = b'{"type": "delivery.delivered"}'

#: Resolved by nobody but the tests (RFC 2606, section 2).
HOST = "hooks.example.test"


def names(*answers: Any) -> Callable[[str], Sequence[Address]]:
    """A name server that gives these answers in turn; the last one stays."""
    left = list(answers)

    def resolve(host: str) -> Sequence[Address]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [ip_address(text) for text in found]

    return resolve


def post(url: str, *, within: float = AMPLE, networks: Any = LOOPBACK, **more: Any) -> str | None:
    async def main() -> str | None:
        poster = Poster(networks, **more)
        try:
            # One that forgets its own bound fails here, instead of hanging.
            async with asyncio.timeout(within + AMPLE):
                return await poster.post(url, HEADERS, BODY, within=within)
        finally:
            poster.close()

    return run(main())


@pytest.fixture
def receiver() -> Any:
    with receiving_callbacks() as running:
        yield running


def test_what_is_posted_arrives_as_it_was_given(receiver: CallbackReceiver) -> None:
    query = "campaign=1&x=%7e[]&x=2&empty=&+"
    assert post(f"{receiver.url}/hook/a;b/../c?{query}") is None
    (taken,) = receiver.taken
    assert taken.path == f"/hook/a;b/../c?{query}"
    assert taken.body == BODY
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["webhook-id"] == "msg_1"
    assert taken.headers["host"] == receiver.url.removeprefix("http://")
    assert "authorization" not in taken.headers


def test_a_user_name_becomes_an_authorization(receiver: CallbackReceiver) -> None:
    assert post(receiver.url.replace("//", "//ann:pw@") + "/") is None
    assert receiver.taken[0].headers["authorization"] == "Basic YW5uOnB3"
    assert "ann" not in receiver.taken[0].headers["host"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_every_status_of_its_class(receiver: CallbackReceiver, status: int) -> None:
    receiver.answers["/"] = status
    assert post(receiver.url) is None


@pytest.mark.parametrize("status", [301, 400, 404, 410, 429, 500, 503])
def test_nothing_else_counts(receiver: CallbackReceiver, status: int) -> None:
    receiver.answers["/"] = status
    assert post(receiver.url) == f"http_{status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(receiver: CallbackReceiver, status: int) -> None:
    """Least of all to an address that only we can reach."""
    receiver.answers["/public"] = status
    receiver.fields["location"] = f"{receiver.url}/private"
    assert post(f"{receiver.url}/public") == f"http_{status}"
    assert [taken.path for taken in receiver.taken] == ["/public"]


def test_one_that_says_nothing_is_given_up(receiver: CallbackReceiver) -> None:
    receiver.silent.add("/")
    assert post(receiver.url, within=SHORT) == "timeout"


def test_one_that_drips_is_given_up(server: FaultServer) -> None:
    """No part of the answer takes long, all of it would take for ever."""
    server.script(faults.sends(b"HTTP/1.1 200 OK\r\nX-A: b\r\n", then="stall"))
    assert post(server.url, within=SHORT) == "timeout"


def test_a_name_server_that_says_nothing_is_given_up(receiver: CallbackReceiver) -> None:
    end = threading.Event()

    def silent(host: str) -> Sequence[Address]:
        end.wait()
        return []

    try:
        assert post(f"http://{HOST}/", within=SHORT, resolve=silent) == "timeout"
    finally:
        end.set()


def test_the_content_of_an_answer_is_left_where_it_is(receiver: CallbackReceiver) -> None:
    """However much it is: the status has said it all."""
    receiver.content = b"x" * 50_000_000
    assert post(receiver.url) is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.close_unread, "closed"),
        (faults.close_after, "closed"),
        (faults.reset_after, "closed"),
        (faults.sends(b"SMTP ready\r\n\r\n"), "closed"),
    ],
)
def test_what_went_wrong_is_told_in_a_word(server: FaultServer, fault: Fault, code: str) -> None:
    server.script(fault)
    assert post(server.url) == code


def test_nobody_there(receiver: CallbackReceiver) -> None:
    assert post(f"http://127.0.0.1:{unused_port()}/") == "connection_refused"


def test_tls_is_asked_for_and_verified(server: FaultServer) -> None:
    server.script(faults.speak_plain_http)
    assert post(server.url.replace("http://", "https://")) == "tls"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "localhost"],
)
def test_private_addresses_are_refused(host: str) -> None:
    assert post(f"http://{host}:9/", networks=()) == "private_address"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_numbers_that_only_some_read_as_an_address_are_refused(host: str) -> None:
    assert post(f"http://{host}:9/", networks=()) == "bad_url"


def test_a_name_of_a_private_address_is_refused(receiver: CallbackReceiver) -> None:
    port = receiver.url.rpartition(":")[2]
    url = f"http://{HOST}:{port}/"
    assert post(url, networks=(), resolve=names(["127.0.0.1"])) == "private_address"
    assert post(url, networks=(), resolve=names([])) == "dns"
    assert receiver.taken == []


def test_it_connects_to_the_address_that_was_judged(receiver: CallbackReceiver) -> None:
    """Nobody but the test knows the name: had the client looked it up, it would not be there. And
    the name server's next answer, a moment later, is not asked for."""
    port = receiver.url.rpartition(":")[2]
    resolve = names(["127.0.0.1"], ["192.168.0.1"])
    assert post(f"http://{HOST}:{port}/", resolve=resolve) is None
    assert receiver.taken[0].headers["host"] == f"{HOST}:{port}"
    # The answer has changed: what is judged anew is refused.
    assert post(f"http://{HOST}:{port}/", resolve=resolve) == "private_address"


def test_of_several_addresses_only_allowed_ones_are_connected_to(
    receiver: CallbackReceiver,
) -> None:
    url = f"http://{HOST}:{receiver.url.rpartition(':')[2]}/"
    for _ in range(8):
        assert post(url, resolve=names(["192.168.0.1", "127.0.0.1", "10.0.0.1"])) is None


def test_a_word_never_holds_the_url(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens, nothing of the URL is told or logged."""
    for fault in (faults.close_unread, faults.sends(b"nonsense\r\n")):
        server.script(fault)
        code = post(f"{server.url}/s3cret?token=s3cret")
        assert code is not None
        assert "s3cret" not in code
    assert "s3cret" not in caplog.text


def test_a_silent_receiver_holds_up_no_other(receiver: CallbackReceiver) -> None:
    """All at once on one loop, as in a worker."""
    receiver.silent.add("/silent")

    async def main() -> list[str | None]:
        poster = Poster(LOOPBACK)
        silent = [
            asyncio.create_task(poster.post(f"{receiver.url}/silent", HEADERS, BODY, within=AMPLE))
            for _ in range(8)
        ]
        found = [await poster.post(receiver.url, HEADERS, BODY) for _ in range(4)]
        assert not any(task.done() for task in silent)
        for task in silent:
            task.cancel()
        await asyncio.gather(*silent, return_exceptions=True)
        poster.close()
        return found

    assert run(main()) == [None] * 4
