"""Sluice's processes in one trial: started, watched, and started again after their death."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.messaging import QUEUE_AUDIENCE, QUEUE_CONTROL, QUEUE_SEND
from tests.chaos.evidence import Death, Raised, Stall
from tests.chaos.plan_faults import BEAT, CONTROL, SEND, Armed
from tests.support.forge import Forge, Forged

_LAST_WORDS = 1500


@dataclass
class Member:
    """One place in the cast, whoever fills it at present."""

    role: str
    name: str
    words: tuple[str, ...]
    #: Lives so far.
    life: int = 0
    process: Forged | None = None
    #: When it is started again; monotonic seconds.
    due: float | None = None
    #: What was done to the present process, if anything that ends it.
    blow: tuple[str, float] | None = None
    halted: bool = False


@dataclass
class Stage:
    """All processes of a trial. ``armed`` says in which lives they fail, and where."""

    forge: Forge
    folder: Path
    env: Mapping[str, str]
    armed: Sequence[Armed]
    restart_after: float
    forgetful: bool
    members: list[Member] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    _roles: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.failures = self.folder / "failpoints.log"

    def start(self, *, sends: int, beats: int) -> None:
        """Start everything that a campaign needs."""
        self.add(CONTROL)
        for _ in range(sends):
            self.add(SEND)
        for _ in range(beats):
            self.add(BEAT)

    def add(self, role: str) -> None:
        """Start one more process of a role."""
        name = f"{role}{sum(member.role == role for member in self.members)}"
        self.members.append(Member(role, name, _words(role, name)))
        self._begin(self.members[-1])

    def ready(self) -> bool:
        """Whether every worker has taken up its work once."""
        workers = [member for member in self.members if member.role != BEAT]
        return all(
            member.life > 1 or (member.process and " ready." in member.process.output())
            for member in workers
        )

    def of(self, role: str) -> list[Member]:
        """The living members of a role that do not stand still."""
        return [
            member
            for member in self.members
            if member.role == role and member.process and not member.halted
        ]

    def watch(self) -> None:
        """Note who has died since, and start again whose time has come."""
        now = time.monotonic()
        for member in self.members:
            if member.process is not None and not member.process.alive:
                self._bury(member)
                member.due = now + self.restart_after
            if member.due is not None and now >= member.due:
                self._begin(member)

    def strike(self, member: Member, number: signal.Signals, kind: str) -> None:
        """Kill a process or ask it to end."""
        if member.process is not None and member.process.signal(number):
            member.blow = (kind, time.time())

    def halt(self, member: Member, seconds: float) -> None:
        """Let a process stand still; :meth:`go_on` ends that."""
        if member.process is not None and member.process.signal(signal.SIGSTOP):
            member.halted = True
            begin = time.time()
            self.stalls.append(Stall(member.role, begin, begin + seconds, "halt"))

    def go_on(self, member: Member) -> None:
        """End a halt."""
        member.halted = False
        if member.process is not None:
            member.process.signal(signal.SIGCONT)

    def failed(self) -> tuple[list[tuple[str, str, str, float]], list[Raised], list[Stall]]:
        """What the failpoints did: lines (role, point, action, time), errors, stalls."""
        lines, raised, stalls = [], [], []
        for line in self._failure_lines():
            point, action, pid, moment = line
            role = self._roles.get(pid, "?")
            lines.append((role, point, action, moment))
            if action == "raise":
                raised.append(Raised(role, moment, point))
            elif action.startswith("stall:"):
                seconds = float(action.removeprefix("stall:"))
                stalls.append(Stall(role, moment, moment + seconds, point))
        return lines, raised, stalls

    def end(self) -> None:
        """Kill everybody; the trial is over."""
        for member in self.members:
            if member.process is not None:
                member.process.signal(signal.SIGKILL)

    def _begin(self, member: Member) -> None:
        happened = {point for point, *_ in self._failure_lines()}
        specs = [
            one.spec()
            for one in self.armed
            if one.role == member.role
            and (
                one.life == member.life
                or (one.lasting and one.life < member.life and one.point not in happened)
            )
        ]
        env = {**self.env, "SLUICE_FAILPOINTS": ",".join(specs)} if specs else dict(self.env)
        env["SLUICE_FAILPOINT_LOG"] = str(self.failures)
        log = self.folder / f"{member.name}.{member.life}.log"
        member.process = self.forge.start(member.words, env=env, log=log)
        member.life += 1
        member.due, member.blow, member.halted = None, None, False
        self._roles[member.process.pid] = member.role

    def _bury(self, member: Member) -> None:
        process, member.process = member.process, None
        assert process is not None
        points = [
            (point, moment)
            for point, action, pid, moment in self._failure_lines()
            if action == "kill" and pid == process.pid
        ]
        words = ""
        if points:
            how, at = points[-1]
        elif member.blow is not None:
            how, at = member.blow
        else:
            how, at = "crash", time.time()
            words = process.output()[-_LAST_WORDS:]
        self.deaths.append(Death(member.role, at, how, words))
        if self.forgetful and member.role == SEND:
            shutil.rmtree(Path(self.env["SLUICE_HOME"], "departures"), ignore_errors=True)

    def _failure_lines(self) -> list[tuple[str, str, int, float]]:
        try:
            lines = self.failures.read_text("ascii").splitlines()
        except FileNotFoundError:
            return []
        words = (line.split() for line in lines)
        return [(point, action, int(pid), float(at)) for point, action, pid, at in words]


def _words(role: str, name: str) -> tuple[str, ...]:
    """The command line of a process, as in the Procfile."""
    if role == BEAT:
        return ("celery", "--app", "scheduler.app", "beat", "--schedule", "", "--pidfile=")
    queues, threads = (QUEUE_SEND, 8) if role == SEND else (f"{QUEUE_CONTROL},{QUEUE_AUDIENCE}", 4)
    return (
        "celery", "--app", "worker.app", "worker", "--pool", "threads", "--queues", queues,
        "--concurrency", str(threads), "--without-gossip", "--without-mingle",
        "--hostname", f"{name}@{os.uname().nodename}", "--loglevel", "INFO",
    )  # fmt: skip
