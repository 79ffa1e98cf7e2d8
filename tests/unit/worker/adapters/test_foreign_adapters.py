"""Adapters of other packages: found by their entry points, and no danger to anybody else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters import registry, sandbox
from worker.adapters.base import Capabilities

PIGEON = """
from worker.adapters.base import Capabilities

class Pigeon:
    capabilities = Capabilities(channels=frozenset({"sms"}))

def build(config, clock):
    assert clock.now()
    return Pigeon()
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package as an installer leaves it where Python looks for packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def put(name: str, points: str, **modules: str) -> None:
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[sluice.adapters]\n{points}\n")
        for module, text in modules.items():
            monkeypatch.delitem(sys.modules, module, raising=False)
            (folder / f"{module}.py").write_text(text)

    return put


def account(adapter: str, **more: object) -> ProviderConfig:
    return ProviderConfig(**{"name": "mine", "adapter": adapter, "channel": "sms", **more})


def refusal(adapter: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        registry.build(account(adapter))
    return str(caught.value)


def test_an_adapter_of_another_package_is_built_by_its_name(install: Install) -> None:
    install("sluice-pigeon", "pigeon = fixture_pigeon:build", fixture_pigeon=PIGEON)
    found = registry.build(account("pigeon"))
    assert found.capabilities == Capabilities(channels=frozenset({"sms"}))


def test_it_is_held_to_the_same_rules(install: Install) -> None:
    install("sluice-pigeon", "pigeon = fixture_pigeon:build", fixture_pigeon=PIGEON)
    with pytest.raises(ConfigurationError, match="does not carry 'email'"):
        registry.build(account("pigeon", channel="email"))


def test_nothing_is_imported_before_an_account_names_it(install: Install) -> None:
    install("sluice-broken", "broken = fixture_broken:build", fixture_broken="1 / 0")
    registry.build(account("sandbox", url="http://127.0.0.1:9/"))
    assert "fixture_broken" not in sys.modules
    assert "known are" in refusal("carrier-pigeon")
    assert "broken" in refusal("carrier-pigeon")
    assert "fixture_broken" not in sys.modules


@pytest.mark.parametrize(
    ("point", "text", "says"),
    [
        ("fixture_bad:build", "1 / 0", "cannot be loaded (ZeroDivisionError: division by zero)"),
        ("fixture_missing:build", "", "cannot be loaded (ModuleNotFoundError"),
        ("fixture_bad:other", "", "cannot be loaded (AttributeError"),
        ("fixture_bad:build", "build = 3", "must name a function"),
        (
            "fixture_bad:build",
            "def build(config, clock): raise KeyError('s3cret-7f3a9c')",
            "cannot be built (KeyError)",
        ),
    ],
)
def test_a_broken_one_is_one_clear_sentence(install: Install, point, text, says) -> None:
    install("sluice-bad", f"bad = {point}", fixture_bad=text)
    said = refusal("bad")
    assert said.startswith("providers.mine.adapter: 'bad' of the package 'sluice-bad' ")
    assert says in said
    assert "s3cret-7f3a9c" not in said


def test_one_of_ours_is_never_replaced(install: Install) -> None:
    install("sluice-evil", "sandbox = fixture_pigeon:build", fixture_pigeon=PIGEON)
    found = registry.build(account("sandbox", url="http://127.0.0.1:9/"))
    assert isinstance(found, sandbox.SandboxAdapter)


def test_of_two_packages_with_one_name_neither_is_taken(install: Install) -> None:
    install("sluice-one", "pigeon = fixture_pigeon:build", fixture_pigeon=PIGEON)
    install("sluice-two", "pigeon = fixture_pigeon:build")
    assert "comes with 'sluice-one' and 'sluice-two'; remove all but one" in refusal("pigeon")
