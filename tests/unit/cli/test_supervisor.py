"""Processes that start together end together, and whoever asked hears why."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from campaigns.errors import ConfigurationError
from cli.supervisor import Ended, Supervisor
from tests.support.waiting import eventually

FOREVER = [sys.executable, "-uc", "import signal; print('up'); signal.pause()"]
STUBBORN = [
    sys.executable, "-uc",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\n"
    "while True: signal.pause()",
]  # fmt: skip


class Story:
    """What a supervisor said, and what its end was."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ends: list[Ended] = []

    def write(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def run(self, grace: float = 10.0, **commands: list[str]) -> Ended:
        supervisor = Supervisor(commands, environment=os.environ, write=self.write, grace=grace)
        return supervisor.run(self.ends.append)

    def signal_when(self, line: tuple[str, str], signum: signal.Signals) -> None:
        """Send ourselves a signal once the line was said."""

        def watch() -> None:
            eventually(lambda: line in self.lines, message=str(line))
            os.kill(os.getpid(), signum)

        threading.Thread(target=watch, daemon=True).start()


def test_the_end_of_one_is_the_end_of_all_and_named() -> None:
    story = Story()
    ended = story.run(a=FOREVER, b=[sys.executable, "-c", "raise SystemExit(3)"])
    assert ended == Ended(None, "b", 3)
    assert str(ended) == "b ended with exit code 3"
    assert story.ends == [ended]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_and_leaves_the_handlers_as_they_were(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    story = Story()
    story.signal_when(("a", "up"), signum)
    ended = story.run(a=FOREVER, b=FOREVER)
    assert ended.signum == signum
    assert str(ended) == f"{signum.name} received"
    assert signal.getsignal(signum) is before


def test_who_does_not_listen_is_killed_after_the_grace() -> None:
    story = Story()
    story.signal_when(("a", "up"), signal.SIGTERM)
    assert story.run(grace=0.2, a=STUBBORN).signum == signal.SIGTERM


def test_a_process_that_was_killed_is_told_by_the_signal() -> None:
    story = Story()
    ended = story.run(a=[sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert str(ended) == "a was ended by SIGKILL"


def test_every_line_is_handed_on_with_its_name_even_if_it_is_no_utf_8() -> None:
    story = Story()
    code = r"import sys; sys.stdout.buffer.write(b'one\n\xff\nlast'); sys.stderr.write('x')"
    story.run(a=[sys.executable, "-c", code])
    text = [line for name, line in story.lines if name == "a"]
    assert "one" in text
    assert "\N{REPLACEMENT CHARACTER}" in "".join(text)


def test_a_program_that_does_not_exist_stops_those_that_started() -> None:
    story = Story()
    with pytest.raises(ConfigurationError, match="b: no-such-program cannot be started"):
        story.run(a=FOREVER, b=["no-such-program"])
