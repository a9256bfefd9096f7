"""``ledger verify`` tells each check in a line, and ends with exit code 1 when the books are broken."""

from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from ledger.cli import main
from ledger.finance.verify import CHECKS
from tests.till import Till, new_program, open_till


@pytest.fixture
def till(fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.owner_url)
    with open_till(fresh_database.app_url) as opened:
        opened.award("m-1", 10)
        yield opened


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


def test_sound_books_end_with_exit_code_0_and_a_line_for_each_check(till: Till) -> None:
    result = verify()
    *lines, last = result.stdout.splitlines()
    assert (result.exit_code, last) == (0, "The books are sound.")
    assert [line.split("  ")[0] for line in lines] == ["ok"] * len(CHECKS)
    assert "ok      lots               1 lots, 1 postings" in lines


def test_broken_books_end_with_exit_code_1_and_the_row_that_is_wrong(till: Till, fresh_database: Any) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE lots SET remaining = 9")
    result = verify()
    assert result.exit_code == 1
    assert "remaining must be 10, and is 9" in result.stdout
    assert result.stderr == "Error: the books are broken: 3 checks failed.\n"


def test_one_program_can_be_verified_alone(till: Till, fresh_database: Any) -> None:
    new_program(till.database, "other")
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE holders SET available = 9")
    assert verify("--program", "other").exit_code == 0
    assert verify("--program", "shop").exit_code == 1
    assert verify("--program", "nobody").exit_code == 1
