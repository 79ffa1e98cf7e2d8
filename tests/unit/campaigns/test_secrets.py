"""Secrets are referred to by the configuration, not written into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from campaigns.settings import resolve_secret


def test_out_of_the_environment() -> None:
    assert resolve_secret("env:TOKEN", {"TOKEN": "s3cret"}) == "s3cret"


def test_out_of_a_file_without_the_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" s3 cret \r\n")
    assert resolve_secret(f"file:{tmp_path}/token") == " s3 cret "


@pytest.mark.parametrize("secret", ["s3cret", "a:b", "", "ENV:TOKEN", "environment"])
def test_anything_else_is_the_secret_itself(secret: str) -> None:
    assert resolve_secret(secret, {"TOKEN": "x"}) == secret


def test_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    """An empty one as well: a request without its credentials is refused far away, if at all."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for reference in (
        "env:UNSET",
        "env:EMPTY",
        "env:",
        f"file:{tmp_path}/missing",
        f"file:{tmp_path}/empty",
        f"file:{tmp_path}/binary",
        f"file:{tmp_path}",
    ):
        with pytest.raises(ConfigurationError, match="missing, unreadable or empty"):
            resolve_secret(reference, {"EMPTY": ""})
