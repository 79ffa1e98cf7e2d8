"""Failpoints: named places between two steps, where a test can make a process fail.

``SLUICE_FAILPOINTS`` says what happens where, as ``name=action[@N]`` separated by commas::

    claim.committed=kill@3,record.before=raise,send.departed=stall:2.5@10

``kill`` is SIGKILL to the own process, ``raise`` raises :class:`Raised`, ``stall:SECONDS`` blocks
the thread that came by. Each happens once, at the N-th hit of its place in this process (default:
the first). ``SLUICE_FAILPOINT_LOG`` names a file that gets a line ``name action pid time`` before
the action, with ``time`` in seconds since the epoch.

While nothing is armed, which is always so in production, :func:`hit` looks at one variable and
returns: about 25 ns (CPython 3.11), six times per chunk of up to 100 messages, twice per request.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from campaigns.errors import ConfigurationError

log = logging.getLogger(__name__)

#: Every failpoint, and where a process is when it comes by.
POINTS: Mapping[str, str] = {
    "submit.before_commit": "a campaign is written and not committed",
    "submit.committed": "a campaign is committed and not answered for",
    "resolve.begun": "a run is locked and none of its recipients is written",
    "resolve.before_commit": "the recipients of a run are written and not committed",
    "resolve.committed": "the recipients of a run are committed",
    "tick.begun": "a beat holds the lock of the tick and has done nothing yet",
    "tick.before_commit": "everything of a tick is written and not committed",
    "tick.committed": "a tick is committed and none of its messages is published",
    "publish.before": "a tick that has messages is about to publish the first of them",
    "publish.between": "a message of a tick is published, and the next follows if there is one",
    "publish.after": "all messages of a tick are published",
    "lease.before": "a worker got the message of a batch and has not leased the batch",
    "lease.committed": "a batch is leased and nothing of it is claimed",
    "permit.granted": "the limiter granted permits and nothing is claimed by them",
    "claim.before": "the permits are due and the claim is not sent",
    "claim.committed": "rows are claimed and none of their messages is rendered",
    "send.rendered": "messages are rendered and none of their requests is prepared",
    "send.departed": "a request counts as departed and its first byte is not written",
    "send.answered": "the provider's answer to a request is read and not decoded",
    "record.before": "a chunk's requests are answered and no outcome is recorded",
    "record.committed": "a chunk's outcomes are recorded",
    "finish.before": "a batch is through and not handed back",
    "finish.committed": "a batch is handed back",
    "reclaim.before_commit": "batches of lost workers are taken back and this is not committed",
    "reclaim.committed": "batches of lost workers are taken back",
    "close.between": "a stretch of a closing run is settled, and the next one follows",
    "gather.before_commit": "events are made into callbacks and this is not committed",
    "call.before": "a callback is about to be posted",
    "call.answered": "the receiver of a callback has answered and this is not noted",
    "jobs.before_commit": "a portion of a group's change is written and not committed",
    "jobs.between": "a portion of a group's change is committed, and the next one follows",
    "report.before_commit": "delivery reports are written and not committed",
    "report.committed": "delivery reports are committed and their task is not acknowledged",
    "adopt.before_commit": "a dead process' rows are settled and this is not committed",
    "adopt.committed": "a dead process' rows are settled and its journal is still there",
}

_FORM = re.compile(
    r"(?P<name>[a-z_.]+)=(?P<action>kill|raise|stall:(?P<seconds>\d+(\.\d+)?))(@(?P<at>[1-9]\d*))?",
    re.ASCII,
)


class Raised(Exception):
    """What the action ``raise`` raises: none of the errors that any code expects."""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens at one failpoint."""

    #: As it is written: ``kill``, ``raise`` or ``stall:SECONDS``.
    text: str
    #: At which hit, counted from 1.
    at: int
    #: How long ``stall`` blocks; 0 for the others.
    seconds: float = 0.0


def parse(spec: str) -> dict[str, Action]:
    """What a ``SLUICE_FAILPOINTS`` says, by failpoint.

    Raises:
        ConfigurationError: an entry has another form, or names no failpoint, or one for the second
            time.
    """
    actions: dict[str, Action] = {}
    for entry in filter(None, map(str.strip, spec.split(","))):
        form = _FORM.fullmatch(entry)
        if form is None:
            raise _wrong(entry, "must look like name=kill, name=raise or name=stall:2.5, maybe @3")
        name = form["name"]
        if name not in POINTS:
            raise _wrong(entry, "names no failpoint; campaigns/failpoints.py lists them")
        if name in actions:
            raise _wrong(entry, "is the second action at its failpoint, and there can be only one")
        actions[name] = Action(form["action"], int(form["at"] or 1), float(form["seconds"] or 0.0))
    return actions


def _wrong(entry: str, rule: str) -> ConfigurationError:
    return ConfigurationError(f"SLUICE_FAILPOINTS: {entry!r} {rule}.")


class _Armed:
    """Counts the hits of this process' failpoints, over all of its threads."""

    def __init__(self, actions: Mapping[str, Action], log_file: Path | None) -> None:
        self._actions = actions
        self._log_file = log_file
        self._hits = dict.fromkeys(actions, 0)
        self._lock = threading.Lock()

    def hit(self, name: str) -> None:
        action = self._actions.get(name)
        if action is None:
            return
        with self._lock:
            self._hits[name] += 1
            if self._hits[name] != action.at:
                return
        self._note(f"{name} {action.text} {os.getpid()} {time.time():.6f}\n")
        if action.text == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action.text == "raise":
            raise Raised(name)
        time.sleep(action.seconds)

    def _note(self, line: str) -> None:
        """One write to the end of the file: lines of several processes do not mix."""
        if self._log_file is None:
            return
        descriptor = os.open(self._log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


_armed: _Armed | None = None


def arm(spec: str | None, log_file: Path | None = None) -> None:
    """Let happen in this process what ``spec`` says, from now on and counted anew; ``None``:
    nothing.

    Raises:
        ConfigurationError: like :func:`parse`; what was armed stays.
    """
    global _armed
    actions = parse(spec or "")
    _armed = _Armed(actions, log_file) if actions else None
    if actions:
        log.warning("failpoints are armed: %s", ", ".join(actions))


def hit(name: str) -> None:
    """Come by the failpoint ``name``: nothing, unless this process was told to fail here.

    Raises:
        Raised: it was told to raise.
    """
    if _armed is not None:
        _armed.hit(name)
