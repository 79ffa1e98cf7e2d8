"""The adapter and the fake of docs/adding-a-provider.md, installed as a package would be."""

from __future__ import annotations

import re
import sys
import tempfile
from functools import cache
from importlib import import_module, invalidate_caches
from pathlib import Path

from tests.fakes.base import Profile
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "adding-a-provider.md"

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@cache
def profile() -> Profile:
    """The page's profile, whose adapter is found by its entry point."""
    adapter, _, fake, *_ = _BLOCK.findall(PAGE.read_text("utf-8"))
    folder = Path(_site().name)
    (folder / "sluice_acme.py").write_text(adapter, "utf-8")
    (folder / "acme_fake.py").write_text(fake, "utf-8")
    info = folder / "sluice_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sluice-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sluice.adapters]\nacme = sluice_acme:build\n")
    sys.path.append(str(folder))
    invalidate_caches()
    found: Profile = import_module("acme_fake").PROFILE
    return found


@cache
def _site() -> tempfile.TemporaryDirectory[str]:
    """Gone with the process."""
    return tempfile.TemporaryDirectory(prefix="sluice-documented-")
