"""``ledger demo``: what it prints, and what it says when it cannot."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.demo import cli
from ledger.demo.baskets import Basket, DataSetError
from ledger.demo.figures import Figures
from ledger.finance.verify import Fault, Finding

from .conftest import half_a_year


@pytest.fixture
def call(fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    monkeypatch.setenv("LEDGER_POOL_SIZE", "1")
    monkeypatch.setattr(cli, "read_baskets", half_a_year)

    def demo_with(*arguments: str) -> Result:
        return CliRunner().invoke(cli.demo, arguments)

    return demo_with


def figures_of(result: Result) -> dict[str, str]:
    """The lines of the table, by their name."""
    table = result.stdout.split("wall time")[0].splitlines()
    cells = [line.rsplit(maxsplit=1) for line in table if line.startswith("   ") and line.strip()]
    return {name.strip(): value for name, value in cells}


def test_reconciliation_is_printed_with_nothing_left_between(call: Any) -> None:
    result = call()
    assert result.exit_code == 0, result.output
    figures = figures_of(result)
    amounts = {name: int(value.replace(",", "")) for name, value in figures.items() if name[:2] in "+ - = "}
    assert amounts["= outstanding"] == (
        amounts["+ issued"]
        - amounts["- redeemed"]
        + amounts["+ redemption refunds"]
        - amounts["- expired"]
        - amounts["- clawed back"]
    )
    assert "900 of 155,848" in result.stdout
    assert figures["trial balance"] == "0"
    assert int(figures["checks"]) > 10
    assert figures["broken"] == "0"


def test_reader_is_told_where_to_look_next(call: Any) -> None:
    output = call("--baskets", "20").stdout
    assert "keys create --role readonly --program demo" in output
    assert "/v1/members/hh-" in output
    assert "The clock of demo stands at 2017-01-02T05:00:00.000000Z" in output


def test_fewer_baskets_are_said_to_be_a_part(call: Any) -> None:
    assert "20 of 155,848" in call("--baskets", "20").stdout


def test_two_runs_print_the_same_but_for_names_and_times(call: Any) -> None:
    first, second = (figures_of(call("--baskets", "100", "--seed", "5")) for _ in range(2))
    assert first == second


def test_missing_data_set_ends_the_command_with_advice(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Iterator[Basket]:
        raise DataSetError("install it")

    monkeypatch.setattr(cli, "read_baskets", missing)
    result = call()
    assert result.exit_code == 1
    assert "install it" in result.stderr


def test_books_that_do_not_tie_end_the_command_with_a_failure(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figures, "differences", {"trial balance": 1})
    result = call("--baskets", "20")
    assert result.exit_code == 1
    assert "The books do not tie." in result.stderr


def test_check_that_fails_ends_the_command_with_what_it_found(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault("lots", {"lot_id": None}, "remaining", "1", "2")
    monkeypatch.setattr(cli, "verify", lambda *_: iter([Finding("lots", "they tie", {"lots": 1}, 1, fault)]))
    result = call("--baskets", "20")
    assert result.exit_code == 1
    assert "remaining must be 1, and is 2" in result.stdout
