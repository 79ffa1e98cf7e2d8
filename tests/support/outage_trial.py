"""A campaign that goes through one fault after the other, and the judgement about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from campaigns.database import connect
from cli.carrier.log import judge, peak_in_sliding_window
from tests.support import ledger
from tests.support.carrier import RunningCarrier, carrier
from tests.support.outages import OwnServers
from tests.support.processes import Processes
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually
from worker.drain import FORCED

#: Messages per second, and how many more of them a busy machine may bunch in one second.
RATE, JITTER = 200, 4

#: What was granted before a fault has left after so long, in seconds.
GRANTED = 0.6


class OutageTrial:
    """A campaign under way, sent by real processes through servers of its own."""

    def __init__(
        self, servers: OwnServers, running: RunningCarrier, processes: Processes, folder: Path
    ) -> None:
        self.servers = servers
        self._providers = folder / "providers.toml"
        self._providers.write_text(
            f'[providers.carrier]\nadapter = "sandbox"\nchannel = "sms"\nurl = "{running.url}"\n'
            f'rate = "{RATE}/s"\n',
            "utf-8",
        )
        env = {
            "SLUICE_DATABASE_URL": servers.postgres.url,
            "SLUICE_REDIS_URL": servers.limiter.start(),
            "SLUICE_BROKER_URL": servers.broker.start(),
            "SLUICE_PROVIDERS": str(self._providers),
            "SLUICE_HOME": str(folder / "home"),
            "SLUICE_DRAIN_SECONDS": "4",
        }
        self.stack = Stack(processes, connect(servers.postgres.url), running, env)
        #: When nothing was to be sent, in Unix seconds.
        self._closed: list[tuple[float, float]] = []
        self._expected: set[str] = set()

    def begin(self, recipients: int) -> None:
        """Start all processes and a campaign to so many people."""
        self._expected = numbers(1, recipients)
        members = group(self.stack.conn, self._providers.parent.name, self._expected)
        self.stack.start(sends=2)
        self._campaign = self.stack.submit(included_contact_groups=[str(members)])
        self.stack.received(at_least=RATE // 2)

    def goes_through(
        self,
        what: str,
        outage: AbstractContextManager[object],
        *,
        back_within: float,
        silent: bool = True,
    ) -> None:
        """An outage, until nothing arrives any more, and then the way back without a hand.

        ``silent``: nothing may leave while it lasts, but what was granted before. It goes on at
        most ``back_within`` seconds after the end.
        """
        with outage:
            begun = time.time()
            self._silence()
            over = time.time()
        if silent:
            self._closed.append((begun + GRANTED, over))
        self.goes_on(what, within=back_within)

    def goes_on(self, what: str, *, within: float) -> None:
        """Wait until the campaign goes on."""
        before, since = self._accepted(), time.monotonic()
        eventually(
            lambda: self._accepted() >= before + RATE // 4,
            timeout=within,
            message=f"after {what} the campaign goes on",
        )
        # Shown with -rP; docs/faults.md states what was found so.
        print(f"{what}: back after {time.monotonic() - since:.1f} s")

    def _silence(self, seconds: float = 0.8) -> None:
        """Wait until nothing has arrived for so long."""
        seen, since = self._accepted(), time.monotonic()

        def silent() -> bool:
            nonlocal seen, since
            if (now := self._accepted()) != seen:
                seen, since = now, time.monotonic()
            return time.monotonic() - since >= seconds

        eventually(silent, timeout=20, message=f"nothing arrives for {seconds:g} s")

    def judge(self) -> None:
        """Let the rest out faster, and see that everybody got one message, at no moment too many,
        and none while nothing was to be sent."""
        arrivals = self.stack.carrier.log()
        assert peak_in_sliding_window(arrivals, 1.0) <= RATE + JITTER
        assert len(arrivals) < len(self._expected), "the campaign was over before the faults were"
        text = self._providers.read_text("utf-8")
        self._providers.write_text(text.replace(f"{RATE}/s", "4000/s"), "utf-8")
        self.stack.conn = connect(self.servers.postgres.url)
        run_id = self.stack.finished(self._campaign)
        verdict = judge(self.stack.carrier.log(), self._expected, self._closed)
        assert verdict.clean, verdict.counts()
        assert ledger.counters(self.stack.conn, run_id) == {"accepted": len(self._expected)}

    def ends_although(self, outage: AbstractContextManager[object]) -> None:
        """An outage keeps no worker from ending in its time when it is told to."""
        with outage:
            for worker in self.stack.sends:
                assert worker.terminate(timeout=10) in (0, FORCED)

    def _accepted(self) -> int:
        found: int = self.stack.carrier.stats()["accepted"]
        return found


@contextmanager
def outage_trial(
    servers: OwnServers, processes: Processes, folder: Path, recipients: int
) -> Iterator[OutageTrial]:
    """A trial whose campaign is under way."""
    with carrier(folder) as running:
        trial = OutageTrial(servers, running, processes, folder)
        trial.begin(recipients)
        yield trial
