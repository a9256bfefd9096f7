"""The pages agree with the tree, with each other and with the code that they describe."""

import os
import re
from dataclasses import fields
from itertools import chain

import click
import pytest

from ledger.access import ROLES, SCOPES
from ledger.cli import main
from ledger.config import Settings
from ledger.devdb import account, binaries
from ledger.errors import error_classes
from tests.docs.pages import PAGES, ROOT, blocks, text_of
from tools.band_plot import picture
from tools.errors_page import ADVICE, page
from tools.words_page import page as words_page

LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:ledger|migrations|tests|tools|docs|benchmarks)/[\w./]*)`")
ELSEWHERE = re.compile(
    r"(?i)\bpypi\b|\bregistry\.|index-url|\bmirror\b|docker\.io|(?<![\w.$}/])/(tmp|home|root|opt|srv)/\w"
)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in LINK.findall(text_of(name)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        assert (ROOT / file).exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{name} links to {target}"


def anchors(name: str) -> set[str]:
    """The anchors that a viewer makes of a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", text_of(name))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_files_that_a_page_names_exist(name: str) -> None:
    assert not [path for path in FILE.findall(text_of(name)) if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_a_machine_or_a_registry(name: str) -> None:
    assert not [match.group() for match in ELSEWHERE.finditer(text_of(name))]


@pytest.mark.parametrize("name", PAGES)
def test_commands_that_a_page_names_exist(name: str) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    named = re.findall(r"(?m)^make ([a-z-]+)|`make ([a-z-]+)`", text_of(name))
    assert set(chain(*named)) - {""} <= targets


@pytest.mark.parametrize("name", PAGES)
def test_ledger_commands_that_a_page_names_exist(name: str) -> None:
    fenced = "\n".join(blocks(name, "") + blocks(name, "sh"))
    words = r"ledger ([a-z]+)(?: ([a-z]+(?:-[a-z]+)*))?"
    named = re.findall(rf"(?m)(?:^|/bin/|[*] +){words}", fenced) + re.findall(rf"`{words}", text_of(name))
    for command, below in named:
        known = main.commands.get(command)
        assert known is not None, f"ledger {command}"
        if isinstance(known, click.Group) and below:
            assert below in known.commands, f"ledger {command} {below}"


def test_every_page_is_reached_from_the_index() -> None:
    linked = {
        os.path.normpath(os.path.join("docs", target)) for target in LINK.findall(text_of("docs/index.md"))
    }
    assert {name for name in PAGES if not name.startswith("docs/decisions/")} - {"docs/index.md"} <= linked


def test_the_page_of_errors_is_what_the_code_says() -> None:
    assert text_of("docs/errors.md") == page(), "run: python -m tools.errors_page > docs/errors.md"


def test_every_error_has_advice_and_the_anchor_that_its_type_names() -> None:
    codes = {kind.code for kind in error_classes()}
    assert set(ADVICE) == codes
    assert codes <= anchors("docs/errors.md")


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"(?m)^\| `(LEDGER_\w+)` \| ([^|]+) \|", text_of("docs/operators.md")))
    default = Settings()
    for field in fields(Settings):
        value = getattr(default, field.name)
        shown = rows.pop(f"LEDGER_{field.name.upper()}").strip()
        if value is None:
            assert not shown.startswith("`")
        else:
            assert shown == f"`{int(value) if isinstance(value, bool) else value}`"
    assert set(rows) == {binaries.SETTING, account.SETTING}


def test_every_role_stands_in_the_table_with_its_scopes() -> None:
    rows = re.findall(
        r"(?m)^\| `([a-z-]+)` \| ((?:`[a-z:-]+`(?:, )?)+|all) \|$", text_of("docs/operators.md")
    )
    told = {
        role: set(SCOPES) if scopes == "all" else set(re.findall(r"`(.+?)`", scopes)) for role, scopes in rows
    }
    assert told == {role: set(scopes) for role, scopes in ROLES.items()}


def test_the_picture_of_the_band_is_what_the_simulation_draws() -> None:
    assert text_of("docs/band.svg") == picture(), "run: python -m tools.band_plot > docs/band.svg"


def test_the_page_of_words_is_what_the_catalogue_says() -> None:
    assert text_of("docs/words.md") == words_page(), "run: python -m tools.words_page > docs/words.md"
