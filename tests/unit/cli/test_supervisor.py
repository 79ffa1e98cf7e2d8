"""Processes end together; one that ends by itself is started again, and that is said."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from cli.restarts import Backoff
from cli.supervisor import Ended, Supervisor
from tests.support.waiting import eventually

FOREVER = [sys.executable, "-uc", "import signal; print('up'); signal.pause()"]
#: The shortest way to an end.
IMPATIENT = Backoff(first=0.01, longest=0.02, deaths=3)
STUBBORN = [
    sys.executable, "-uc",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\n"
    "while True: signal.pause()",
]  # fmt: skip


class Story:
    """What a supervisor said, and what its processes printed."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.said: list[str] = []

    def write(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def run(
        self, *, grace: float = 10.0, backoff: Backoff = IMPATIENT, **commands: list[str]
    ) -> Ended:
        return Supervisor(
            commands,
            environment=os.environ,
            write=self.write,
            say=self.said.append,
            grace=grace,
            backoff=backoff,
        ).run()

    def signal_when(self, line: tuple[str, str], signum: signal.Signals) -> None:
        """Send ourselves a signal once the line was said."""

        def watch() -> None:
            eventually(lambda: line in self.lines, message=str(line))
            os.kill(os.getpid(), signum)

        threading.Thread(target=watch, daemon=True).start()


def test_who_ends_by_itself_is_started_again_and_the_others_run_on(tmp_path: Path) -> None:
    twice = f"""
import signal, pathlib
file = pathlib.Path({str(tmp_path / "starts")!r})
file.open("a").write("x")
if len(file.read_text()) < 3: raise SystemExit(3)
print("steady", flush=True)
signal.pause()
"""
    story = Story()
    story.signal_when(("b", "steady"), signal.SIGTERM)
    ended = story.run(backoff=Backoff(first=0.01), a=FOREVER, b=[sys.executable, "-c", twice])
    assert ended.signum == signal.SIGTERM
    assert story.said == [
        "b ended with exit code 3; starting it again in 0.01 s",
        "b ended with exit code 3; starting it again in 0.02 s",
        "SIGTERM received; stopping",
    ]
    assert story.lines.count(("a", "up")) == 1


def test_who_cannot_be_kept_alive_is_the_end_of_all_and_named() -> None:
    story = Story()
    ended = story.run(a=FOREVER, b=[sys.executable, "-c", "raise SystemExit(3)"])
    assert ended == Ended(None, "b", 3)
    assert story.said[-1] == "b ended with exit code 3, 3 times within 60 s; stopping"


def test_a_signal_is_obeyed_while_a_process_waits_for_its_next_start() -> None:
    story = Story()

    def stop_it() -> None:
        eventually(lambda: story.said, message="it ended")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_it, daemon=True).start()
    ended = story.run(backoff=Backoff(first=600.0), a=[sys.executable, "-c", "raise SystemExit(3)"])
    assert ended.signum == signal.SIGTERM


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
    story.run(a=[sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert story.said[0].startswith("a was ended by SIGKILL; starting it again")


def test_every_line_is_handed_on_with_its_name_even_if_it_is_no_utf_8() -> None:
    story = Story()
    code = r"import sys; sys.stdout.buffer.write(b'one\n\xff\nlast'); sys.stderr.write('x')"
    story.run(a=[sys.executable, "-c", code])
    text = [line for name, line in story.lines if name == "a"]
    assert "one" in text
    assert "\N{REPLACEMENT CHARACTER}" in "".join(text)


def test_a_program_that_does_not_exist_is_told_before_anything_starts() -> None:
    story = Story()
    with pytest.raises(ConfigurationError, match="b: no-such-program cannot be started"):
        story.run(a=FOREVER, b=["no-such-program"])
    assert not story.lines
