"""The operating system account that embedded servers run under.

PostgreSQL refuses to run as root, so root lends its servers an unprivileged account that exists
already. Everybody else runs them as themselves.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from campaigns.errors import ConfigurationError

#: Accounts that root may lend to the servers, best first.
CANDIDATES = ("sluice", "postgres", "redis", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the servers and owns their data; ``borrowed`` when root runs them as somebody else.

    ``name`` is only shown to people, it may be a bare number.
    """

    name: str
    uid: int
    gid: int
    borrowed: bool

    def run(self, *command: Path | str, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, apart from the terminal's signals, and take its output.

        The environment is reduced to what the servers need: ``PG*`` variables meant for the
        user's own PostgreSQL would otherwise change what ours does.
        """
        return subprocess.run(  # noqa: S603 - the programs are ours, and no shell reads the words
            [str(word) for word in command],
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            umask=0o077,
            user=self.uid if self.borrowed else None,
            group=self.gid if self.borrowed else None,
            extra_groups=[] if self.borrowed else None,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def give(self, path: Path, mode: int) -> None:
        """Hand ``path`` to this account, readable by nobody else."""
        path.chmod(mode)
        if self.borrowed:
            os.chown(path, self.uid, self.gid)

    def make_directory(self, path: Path) -> None:
        """Create ``path`` for this account alone, if it does not exist yet."""
        path.mkdir(exist_ok=True, parents=True)
        self.give(path, 0o700)

    def write(self, path: Path, text: str) -> None:
        """Replace the file ``path`` in one step; readable by this account alone from the start."""
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        self.give(new, 0o600)
        new.replace(path)

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may use files below ``directory``.

        Asked of the kernel rather than worked out from mode bits, which know nothing of access
        control lists and mount options.
        """
        if not self.borrowed:
            return os.access(directory, os.X_OK)
        answer = self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", directory, seconds=20)
        return answer.returncode == 0


def choose(directory: Path) -> Account:
    """The account for the servers whose files are in ``directory``.

    Where the directory exists, its owner goes on: accounts that were installed later must not
    take over a data directory.

    Raises:
        ConfigurationError: root has no account to lend.
    """
    own = os.geteuid()
    if own != 0:
        return Account(_name(own), own, os.getegid(), borrowed=False)
    if directory.is_dir() and (owner := directory.stat()).st_uid != 0:
        return Account(_name(owner.st_uid), owner.st_uid, owner.st_gid, borrowed=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, borrowed=True)
    raise ConfigurationError(
        "PostgreSQL does not run as root and this system has none of the accounts "
        f"{', '.join(CANDIDATES)}: create one, run Sluice as another user, "
        "or set SLUICE_DATABASE_URL and SLUICE_REDIS_URL."
    )


def open_the_way(account: Account, home: Path) -> None:
    """Let the account pass through ``home``, without letting anybody else in.

    Only ``home`` itself is changed, and only by giving it the account's group; folders above it
    belong to the administrator.

    Raises:
        ConfigurationError: a folder above ``home`` shuts the account out.
    """
    if account.can_enter(home):
        return
    status = home.stat()
    if status.st_uid == 0:
        os.chown(home, -1, account.gid)
        home.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXGRP)
    if not account.can_enter(home):
        raise ConfigurationError(
            f"SLUICE_HOME: {home} lies below a folder that the account {account.name} cannot "
            "enter, and PostgreSQL does not run as root: choose a folder such as /var/lib/sluice, "
            "or run Sluice as another user."
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
