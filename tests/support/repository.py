"""The repository's own files, for tests that compare them with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Folders that tools and builds write; .gitignore names them.
WRITTEN = frozenset(
    {
        ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
        ".import_linter_cache", ".tests", ".chaos", "__pycache__", "build", "dist", "demo-output",
    }
)  # fmt: skip


def documents() -> list[Path]:
    """Every Markdown file."""
    return [file for file in files() if file.suffix == ".md"]


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that is written by hand or kept with the source."""
    for path in sorted(folder.iterdir()):
        if path.name in WRITTEN or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from files(path)
        elif path.name != ".env":
            yield path


def name(file: Path) -> str:
    """The path of a file inside the repository."""
    return file.relative_to(ROOT).as_posix()
