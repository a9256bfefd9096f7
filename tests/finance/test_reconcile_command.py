"""``ledger reconcile`` takes a file of any length, tells what differs, and keeps it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.accounts.programs import create_program, set_test_clock
from ledger.cli import main
from ledger.finance.reconciliation import uploads
from tests.till import START, Till, open_till, terms

HEAD = "purchase_id,occurred_at,amount\n"
AT = "2026-01-02T08:00:00+08:00"


@pytest.fixture
def shop(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url, "other") as till:
        till.program = till.database.run(
            lambda connection: create_program(
                connection,
                "shop",
                currency="CNY",
                timezone="Asia/Shanghai",
                terms=terms(),
                now=START,
                is_test=True,
            )
        )
        till.at(START + timedelta(days=1))
        clock = START + timedelta(days=3)
        till.database.run(lambda connection: set_test_clock(connection, till.program, clock))
        yield till


@pytest.fixture
def call(
    shop: Till, fresh_database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)

    def reconcile(csv: str, *arguments: str) -> Result:
        file = tmp_path / "orders.csv"
        file.write_text(csv, encoding="utf-8")
        return CliRunner().invoke(
            main, ["reconcile", str(file), "--kind", "orders", "--program", "shop", *arguments]
        )

    return reconcile


def test_books_that_agree_end_with_exit_code_0(shop: Till, call: Callable[..., Result]) -> None:
    made = shop.buy("m-1", 500)
    result = call(f"{HEAD}{made['purchase_id']},{AT},500\n")
    assert result.exit_code == 0, result.output
    assert "orders of 2026-01-02 to 2026-01-02: 1 matched, 0 missing, 0 extra, 0 different" in result.stdout


def test_differences_are_told_and_end_with_exit_code_1(shop: Till, call: Callable[..., Result]) -> None:
    first, second = shop.buy("m-1", 500)["purchase_id"], shop.buy("m-1", 700)["purchase_id"]
    result = call(f"{HEAD}p-99,{AT},1\n{first},{AT},501\n", "--from", "2026-01-01", "--to", "2026-01-03")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        f"different  2026-01-02  purchase {first} (line 3)  amount 501, booked 500",
        f"extra      2026-01-02  purchase {second}",
        "missing    2026-01-02  purchase p-99 (line 2)",
    ]
    assert "orders and books differ; rcn_" in result.stderr
    assert shop.rows("SELECT uploaded_by, matched, missing, extra, different FROM reconciliations") == [
        ("command line", 0, 1, 1, 1)
    ]


def test_file_larger_than_memory_may_hold_is_sorted_in_runs(
    shop: Till, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "ROWS_AT_ONCE", 7)
    bought = [shop.buy("m-1", 500)["purchase_id"] for _ in range(40)]
    rows = "".join(f"{purchase},{AT},500\n" for purchase in reversed(bought))
    assert "40 matched, 0 missing" in call(HEAD + rows).stdout
    twice = call(f"{HEAD}{rows}{bought[0]},{AT},500\n")
    assert (twice.exit_code, shop.rows("SELECT count(*) FROM reconciliations")) == (1, [(1,)])
    assert f"line 42: purchase {bought[0]} stands on line 41 already" in twice.stderr


def test_only_the_first_exceptions_are_printed_and_all_are_kept(
    shop: Till, call: Callable[..., Result]
) -> None:
    result = call(HEAD + "".join(f"p-{number},{AT},5\n" for number in range(2_500)))
    assert result.stdout.splitlines()[-1] == "and more"
    assert len(result.stdout.splitlines()) == 52
    assert shop.rows("SELECT count(*), max(ordinal) FROM reconciliation_exceptions") == [(2_500, 2_500)]


@pytest.mark.parametrize(
    ("csv", "arguments", "code", "said"),
    [
        ("", (), 1, "csv: line 1, column purchase_id: is required"),
        (HEAD, (), 1, "from: is needed with an upload that has no rows"),
        (HEAD, ("--from", "yesterday"), 2, "must be a day such as"),
        (HEAD, ("--from", "2026-01-01", "--to", "2026-01-09"), 1, "to: must not be later than today"),
        (f"{HEAD}p-1,{AT},1.00\n", (), 1, "csv: line 2, column amount: must be a whole number"),
    ],
)
def test_command_says_what_it_cannot_read(
    shop: Till, call: Callable[..., Result], csv: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = call(csv, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in " ".join(result.stderr.split())
    assert shop.rows("SELECT count(*) FROM reconciliations") == [(0,)]
