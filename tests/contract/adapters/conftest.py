"""The profiles of all adapters that are registered, and of the one that the documents show."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.fakes.base import Profile
from tests.support import documented
from worker.adapters.registry import ADAPTERS

#: Nothing about these is fixed, so they have a suite of their own: tests/contract/test_adapters.py.
OWN_SUITE = {"http", "sandbox"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "profile" in metafunc.fixturenames:
        names = sorted(set(ADAPTERS) - OWN_SUITE)
        profiles: list[Profile] = [import_module(f"tests.fakes.{name}").PROFILE for name in names]
        shown = documented.profile()
        metafunc.parametrize("profile", [*profiles, shown], ids=[*names, f"docs-{shown.name}"])
