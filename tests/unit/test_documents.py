"""What the documents say exists: links, commands, settings, tasks, tests, packages."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import tomllib
from importlib import import_module
from io import StringIO
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console

from campaigns import messaging, settings
from campaigns.campaign import planning, rules, window_rules
from campaigns.campaign.message import composed
from campaigns.campaign.model import CampaignSpec, MessageSpec
from campaigns.providers import ProviderConfig
from campaigns.validation import parse
from cli.demo import closing
from cli.demo.folder import Folder
from cli.demo.verdict import Judgement
from cli.main import sluice
from tests.support import repository
from tests.support.repository import ROOT, WRITTEN, documents, files, name
from worker.adapters.http_options import HttpOptions
from worker.adapters.registry import ADAPTERS, build
from worker.app import create_app

DOCS = ROOT / "docs"

#: Of docs/adding-a-provider.md: tests/support/documented.py has them elsewhere.
IMAGINED = {"worker/adapters/acme.py", "tests/fakes/acme.py"}

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_HERE = re.compile(r"<<'?END'?\n(.*?)^END$", re.DOTALL | re.MULTILINE)

each_document = pytest.mark.parametrize(
    "document", [pytest.param(document, id=name(document)) for document in documents()]
)


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    found = _BLOCK.findall(document.read_text("utf-8"))
    return [text for tag, text in found if tag == language]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return _BLOCK.sub("", document.read_text("utf-8"))


@each_document
def test_links_lead_to_files_that_are_there(document: Path) -> None:
    for target in _LINK.findall(prose(document)):
        if not re.match(r"https?://", target):
            assert (document.parent / target.partition("#")[0]).exists(), target


@each_document
def test_files_that_are_named_are_there(document: Path) -> None:
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()} - WRITTEN
    for code in _CODE.findall(prose(document)):
        path = code.partition("::")[0]
        if path.partition("/")[0] in tops and re.fullmatch(r"[\w./-]+", path):
            assert (ROOT / path).exists() or code in IMAGINED, code


@each_document
def test_tests_that_are_named_exist(document: Path) -> None:
    for code in _CODE.findall(prose(document)):
        file, found, test = code.partition("::")
        if found:
            assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.M), code


@each_document
def test_commands_that_are_to_be_typed_are_understood(document: Path) -> None:
    for block in blocks(document, "sh"):
        for line in _HERE.sub("", block).splitlines():
            if line.startswith("sluice "):
                understand(line, complete=True)


@each_document
def test_commands_that_are_mentioned_exist(document: Path) -> None:
    for code in _CODE.findall(prose(document)):
        if code.startswith("sluice "):
            understand(code, complete=False)


def understand(line: str, *, complete: bool) -> None:
    """Parse a command line as the program does, without running it."""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = sluice
    context = click.Context(sluice, info_name="sluice")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    if isinstance(command, click.Group):
        assert not complete, line
        return
    try:
        command.make_context(command.name, words, parent=context)
    except click.MissingParameter:
        assert not complete, line


@each_document
def test_python_blocks_compile_and_name_tasks_that_exist(document: Path) -> None:
    for block in blocks(document, "python"):
        compile(block, name(document), "exec")
        sent = re.findall(r"send_task\(\s*\"([\w.]+)\"", block)
        assert set(sent) <= set(messaging.PUBLIC_TASKS)
        assert set(re.findall(r"queue=\"([\w.]+)\"", block)) <= {messaging.QUEUE_CONTROL}


def provider_tables() -> list[object]:
    found = [(name(d), text) for d in documents() for text in blocks(d, "toml")]
    found += [
        (name(document), here)
        for document in documents()
        for block in blocks(document, "sh")
        for here in _HERE.findall(block)
        if here.startswith("[providers.")
    ]
    example = ROOT / "deploy" / "providers.example.toml"
    found.append((name(example), example.read_text("utf-8")))
    return [pytest.param(text, id=where) for where, text in found]


@pytest.mark.parametrize("text", provider_tables())
def test_providers_in_the_documents_are_accepted(text: str, monkeypatch) -> None:
    for variable in re.findall(r"\benv:(\w+)", text):
        monkeypatch.setenv(variable, "110201543:AAHdqTcv")
    for own, table in tomllib.loads(text)["providers"].items():
        given = {**table, **_secrets(table), "name": own}
        build(ProviderConfig.model_validate(given))


def _secrets(table: dict[str, object]) -> dict[str, object]:
    """What stands in the profile of the adapter, instead of what is not here or is cut short."""
    adapter = table["adapter"]
    if not (ROOT / "tests" / "fakes" / f"{adapter}.py").exists():
        return {}
    known = import_module(f"tests.fakes.{adapter}").PROFILE.options
    references = (key for key, value in table.items() if re.search(r"^file:|\.\.", str(value)))
    return {key: known.get(key, _KEY) for key in references}


#: Any private key, for accounts that sign with one of their own.
_KEY = (
    generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def test_the_readme_shows_the_verdict_as_the_demo_prints_it(tmp_path: Path) -> None:
    (shown,) = [text for text in blocks(ROOT / "README.md", "text") if "verdict" in text]
    clean = Judgement(19_200, 19_200, 0, 0, 0, 0, 0, 0, 0, 0.030, 0.5, (1.014,))
    console = Console(file=StringIO(), width=100)
    console.print(closing.render(clean, Folder(tmp_path)))
    assert console.file.getvalue().startswith(shown)


def test_the_campaign_in_the_readme_is_accepted() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (body,) = [here for here in _HERE.findall(text) if here.startswith("{")]
    sums = re.compile(r"\$\(\(now \+ (\d+)\)\)")
    spec = parse(CampaignSpec, json.loads(sums.sub(lambda m: str(1_795_000_000 + int(m[1])), body)))
    rules.check_shape(spec)
    assert spec.scheduled_send_date is not None
    now = spec.scheduled_send_date
    window_rules.check_times(spec, planning.plan(spec, now), now)


@pytest.mark.parametrize("text", blocks(DOCS / "templates.md", "json"))
def test_the_templates_in_the_documents_are_accepted(text: str) -> None:
    body = {"name": "Spring", "sender": "Acme", **json.loads(text)}
    spec = parse(MessageSpec, body)
    rules.check_message(spec)
    message = composed(spec, spec.template, "account")
    assert message.compiled.render({"first_name": "Ann", "code": "C1"})


def test_every_field_of_a_message_is_documented() -> None:
    fields = set(_CODE.findall((DOCS / "queue.md").read_text("utf-8")))
    assert {*MessageSpec.model_fields, *CampaignSpec.model_fields} <= fields


def test_every_setting_is_documented() -> None:
    text = (DOCS / "configuration.md").read_text("utf-8")
    keys = {*ProviderConfig.model_fields, *HttpOptions.model_fields}
    assert {*settings.VARIABLES, *keys} <= set(_CODE.findall(text))


def test_every_adapter_has_a_section() -> None:
    sections = re.findall(r"^## (\S+)$", (DOCS / "adapters.md").read_text("utf-8"), re.M)
    generic = re.findall(
        r"^### Adapter `(\w+)`$", (DOCS / "configuration.md").read_text("utf-8"), re.M
    )
    assert set(ADAPTERS) == {*sections, *generic}


def test_the_example_environment_names_every_variable() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    assert sorted(re.findall(r"^#(SLUICE_\w+)=", text, re.M)) == sorted(settings.VARIABLES)


def test_every_variable_in_use_is_known() -> None:
    mentioned = {
        variable
        for document in documents()
        for variable in re.findall(r"\bSLUICE_[A-Z_]+\b", document.read_text("utf-8"))
    }
    assert mentioned <= set(settings.VARIABLES)


def test_every_public_task_is_documented_with_its_arguments() -> None:
    text = (DOCS / "queue.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| `([^`]*)` \|", text, re.MULTILINE)
    app, _ = create_app(settings.load({"SLUICE_REDIS_URL": "redis://127.0.0.1:1/0"}))
    signatures = {
        task: [p for p in inspect.signature(app.tasks[task].run).parameters if p != "team"]
        for task in messaging.PUBLIC_TASKS
    }
    documented = {
        task: [argument.partition("=")[0].strip() for argument in arguments.split(",")]
        for task, arguments in rows
    }
    assert documented == signatures


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    asked = [*project["dependencies"], *(line for extra in extras for line in extra)]
    wanted = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in asked}
    cells = re.findall(r"^\| ([^|]+) \|", (DOCS / "dependencies.md").read_text("utf-8"), re.M)
    explained = {package.split()[0] for cell in cells for package in cell.split(", ")}
    assert wanted <= explained


#: Mirrors and machines differ; the source must not know any of them.
_FOREIGN = re.compile(
    r"pypi\.org|pythonhosted|(?<!emit-)\bindex-url\b|"
    + "|".join(
        rf"(?<![\w.]){re.escape(str(place))}/" for place in {ROOT, Path.home()} - {Path("/")}
    )
)


def test_no_file_names_a_package_index_or_a_place_on_this_machine() -> None:
    found = [
        f"{name(file)}: {match[0]}"
        for file in files()
        if file != Path(__file__) and file.suffix not in {".png"}
        for match in _FOREIGN.finditer(file.read_text("utf-8"))
    ]
    assert not found


def test_the_walk_finds_what_it_should() -> None:
    assert {"README.md", "docs/states.md", "Makefile"} <= {name(f) for f in repository.files()}
