"""The Procfile and what `sluice up` makes of it."""

from __future__ import annotations

from pathlib import Path

from honcho.environ import parse_procfile

from cli import procfile

TOP = Path(__file__).resolve().parents[3] / "Procfile"


def test_the_packaged_procfile_is_the_one_at_the_top_and_honcho_reads_it_too() -> None:
    ours = {name: " ".join(command) for name, command in procfile.load().items()}
    assert ours == dict(parse_procfile(TOP.read_text("utf-8")).processes)
    assert set(ours) == {"beat", "send", "control", "callbacks", "web", "flower"}


def test_several_send_processes_have_hostnames_of_their_own() -> None:
    commands = {"beat": ["x"], "send": ["w", "--hostname", "send@%h"]}
    assert procfile.multiplied(commands, "send", 1) == commands
    assert procfile.multiplied(commands, "send", 2) == {
        "beat": ["x"],
        "send.1": ["w", "--hostname", "send.1@%h"],
        "send.2": ["w", "--hostname", "send.2@%h"],
    }


def test_what_is_no_process_is_ignored() -> None:
    assert procfile.parse("# a: b\n\n  web: run --x 'a b'\n") == {"web": ["run", "--x", "a b"]}
