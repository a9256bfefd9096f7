"""``ledger simulate``: files in, tables or JSON out, and what cannot be tried."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.cli import main
from tests.rules.test_simulation import activate
from tests.rulesets import rule
from tests.till import Till, day, open_till

TWICE = {"rules": [rule("base", rate={"kind": "per_amount", "per": 2, "amount": 100})]}


@pytest.fixture
def till(fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    with open_till(fresh_database.app_url) as till:
        activate(till, rule("base"))
        till.at(day(1)).buy("m-1", 10_000)
        yield till


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", "--program", "shop", *arguments])


def file(folder: Path, content: Any) -> str:
    path = folder / "draft.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_file_is_tried_and_the_tables_say_what_it_changes(till: Till, tmp_path: Path) -> None:
    result = run("--rules", file(tmp_path, TWICE))
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["points", "issued", "100", "200", "+100"] in rows
    assert ["base", "POINT", "100", "200", "+100"] in rows
    assert ["m-1", "100", "200", "+100"] in rows
    assert "a second" in result.stderr


def test_the_whole_report_is_json(till: Till, tmp_path: Path) -> None:
    result = run("--rules", file(tmp_path, TWICE), "--json")
    assert json.loads(result.stdout)["liability"] == {"points": 100, "face_value": None}


def test_a_version_of_the_register_is_tried(till: Till) -> None:
    report = json.loads(run("--version", "1", "--json").stdout)
    assert report["draft"]["version"] == 1 and report["liability"]["points"] == 0


def test_terms_are_tried(till: Till, tmp_path: Path) -> None:
    terms = till.program.terms_object() | {"points": {"per": 5, "amount": 100}}
    report = json.loads(run("--terms", file(tmp_path, terms), "--json").stdout)
    # The terms' own rates give nothing while headquarters has rules in force.
    assert report["draft"]["has_terms"] and report["liability"]["points"] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no object"),
        ({"rules": [rule("base", when="member.nothing == 1")]}, "content.rules.0.when"),
    ],
)
def test_a_file_that_is_no_rule_set_ends_the_command(
    till: Till, tmp_path: Path, content: Any, message: str
) -> None:
    result = run("--rules", file(tmp_path, content))
    assert result.exit_code == 1 and message in result.output


def test_terms_that_are_none_end_the_command(till: Till, tmp_path: Path) -> None:
    result = run("--terms", file(tmp_path, {"points": {}}))
    assert result.exit_code == 1 and "no whole terms" in result.output


def test_something_must_be_tried_and_not_two_things(till: Till, tmp_path: Path) -> None:
    assert run().exit_code == 2
    assert run("--rules", file(tmp_path, TWICE), "--version", "1").exit_code == 2
    assert run("--version", "1", "--from", "2026-03-01").exit_code == 2
