"""The journal as CSV and Parquet: every leg, summing to the trial balance, the same rows in both; and the command."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ledger.accounts.chart import Account, Unit, unit_name
from ledger.accounts.programs import create_program, set_test_clock
from ledger.cli import main
from ledger.clock import show
from ledger.errors import DatabaseUnavailable
from ledger.finance.exports import tables
from ledger.finance.exports.cli import write_text
from ledger.finance.exports.journal import journal_text, window_of, write_journal_parquet
from ledger.finance.exports.legs import COLUMNS, Days
from ledger.finance.exports.names import NAMES, amount_text
from ledger.finance.trial_balance import read_trial_balance
from ledger.funds.commands import Authority, GrantFund
from ledger.journal.history import Times
from ledger.money import MAX_AMOUNT, exponent
from tests.till import START, Till, open_till, terms

from .histories import live_through
from .paying import TERMS, pay_with_points


@pytest.fixture
def lived(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url, **TERMS) as till:
        pay_with_points(till)
        live_through(till, 4, 80)
        yield till


def csv_of(till: Till, **times: datetime) -> str:
    window = window_of(times.get("start"), times.get("end"), times.get("known"), till.now)
    with till.reading() as connection:
        return "".join(journal_text(connection, till.program, window, "csv"))


def rows_of(till: Till, **times: datetime) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(csv_of(till, **times))))


def test_rows_sum_to_the_trial_balance_at_any_two_times(lived: Till) -> None:
    middle = START + (lived.now - START) / 2
    for times in (Times(lived.now, lived.now), Times(middle, lived.now), Times(middle, middle)):
        sums: Counter[tuple[str, str]] = Counter()
        for row in rows_of(lived, end=times.as_of, known=times.known_as_of):
            sums[row["account"], row["side"]] += int(row["amount"])
        with lived.reading() as connection:
            totals = read_trial_balance(connection, lived.program, times).totals
        expected = {
            (account.name.lower(), side): amount
            for account, total in totals.items()
            for side, amount in (("debit", total.debit), ("credit", total.credit))
            if amount
        }
        assert dict(sums) == expected


def test_every_posting_stands_as_its_debit_and_its_credit(lived: Till) -> None:
    rows = rows_of(lived)
    ((postings,),) = lived.rows("SELECT count(*) FROM postings")
    assert len(rows) == 2 * postings
    for debit, credit in zip(rows[::2], rows[1::2], strict=True):
        assert (debit["side"], credit["side"]) == ("debit", "credit")
        own = ("side", "account")
        assert {k: v for k, v in debit.items() if k not in own} == {
            k: v for k, v in credit.items() if k not in own
        }
    assert [row["effective_at"] for row in rows] == sorted(row["effective_at"] for row in rows)


def test_columns_are_what_the_entry_says(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url, **TERMS) as till:
        till.at(datetime(2026, 1, 31, 20, tzinfo=UTC)).award("m-1", 300)
        by = Authority("apr_1", "the maker", "the checker")
        (granted,) = till.post(GrantFund("care", 50, "g-1", "a plan", by))
        first, _, grant, _ = rows_of(till)
        # Already the next day, and month, where the program is.
        assert (first["date"], first["effective_at"]) == ("2026-02-01", "2026-01-31T20:00:00.000000Z")
        assert [first[n] for n in ("line", "kind", "holder", "version", "account", "commodity", "amount")] == [
            "1", "award", "m-1", "1", "issued", "POINT", "300",
        ]  # fmt: skip
        assert (first["maker"], first["checker"], first["rate"]) == ("", "", "")
        assert (grant["entry_id"], grant["holder"]) == (granted["entry_id"], "fund/care")
        assert (grant["maker"], grant["checker"], grant["reference"]) == ("the maker", "the checker", "g-1")


def test_rates_and_parents_are_named_where_an_entry_names_them(lived: Till) -> None:
    rows = rows_of(lived)
    sold = [row for row in rows if row["account"] == "points_sold"]
    assert {(row["kind"], row["rate"]) for row in sold} >= {("return", "0.0110")}
    paid = next(row for row in rows if row["account"] == "trading_points")
    assert (paid["rate"], paid["rate_version"]) == ("0.009503", "2")
    returned = next(row for row in rows if row["kind"] == "return")
    parent = {row["entry_id"]: row for row in rows}[returned["parent_entry_id"]]
    assert parent["kind"] == "earn"
    assert not [row for row in rows if row["kind"] == "award" and row["rate"]]


def test_parts_make_the_whole_and_know_only_what_was_recorded(lived: Till) -> None:
    middle = START + (lived.now - START) / 3
    first, rest = rows_of(lived, end=middle), rows_of(lived, start=middle)
    assert first + rest == rows_of(lived)
    assert min(len(first), len(rest)) > 10
    known = rows_of(lived, known=middle)
    assert known == [row for row in rows_of(lived) if row["recorded_at"] <= show(middle)]


def test_parquet_holds_the_rows_of_the_csv_in_groups(
    lived: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_OF_A_GROUP", 100)
    path = tmp_path / "journal.parquet"
    window = window_of(None, None, None, lived.now)
    with lived.reading() as connection:
        write_journal_parquet(connection, lived.program, window, path)
    file = parquet.ParquetFile(path)
    rows = [{name: tables.cell(value) for name, value in row.items()} for row in file.read().to_pylist()]
    assert rows == rows_of(lived)
    assert file.num_row_groups == -(-len(rows) // 100) > 3
    assert list(file.schema_arrow.names) == list(COLUMNS)
    assert not [
        field for field in file.schema_arrow if "float" in str(field.type) or "double" in str(field.type)
    ]


@given(
    instants=st.lists(
        st.integers(31_536_000, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        min_size=1,
        max_size=20,
    ),
    # Clocks that were set back over midnight, forward over it, and over the line of the date.
    timezone=st.sampled_from(
        ["America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Shanghai", "UTC", "Pacific/Kwajalein"]
    ),
)
def test_days_follow_each_other_and_hold_their_instants(instants: list[datetime], timezone: str) -> None:
    days, found = Days(timezone), []
    for instant in sorted(instants):
        day = days.day_of(instant)
        assert days.start_of(day) <= instant < days.start_of(day + timedelta(days=1))
        assert abs(day - instant.astimezone(ZoneInfo(timezone)).date()) <= timedelta(days=1)
        found.append(day)
    assert found == sorted(found)


def test_day_that_comes_twice_has_ended_when_the_next_had_begun() -> None:
    # At one minute past midnight, clocks in St. John's went back an hour: 23:30 of the first of November came again.
    again = datetime(2009, 11, 1, 3, 0, tzinfo=UTC)
    assert again.astimezone(ZoneInfo("America/St_Johns")).date() == date(2009, 10, 31)
    assert Days("America/St_Johns").day_of(again) == date(2009, 11, 1)


def test_every_account_of_the_chart_has_a_name_of_its_own() -> None:
    assert set(NAMES) == set(Account)
    assert len(set(NAMES.values())) == len(Account)


@given(amount=st.integers(-MAX_AMOUNT, MAX_AMOUNT), currency=st.sampled_from(["CNY", "JPY", "KWD", "CLF"]))
def test_money_in_major_units_is_exact(amount: int, currency: str) -> None:
    number = {"CNY": 156, "JPY": 392, "KWD": 414, "CLF": 990}[currency]
    assert unit_name(number) == currency
    text = amount_text(number, amount)
    digits = len(text.partition(".")[2])
    assert digits == exponent(currency)
    assert int(text.replace(".", "")) == amount
    assert amount_text(1_000 + number, amount) == amount_text(Unit.POINT, amount) == str(amount)


@pytest.fixture
def call(fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)

    def export(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["export", "journal", "--program", "shop", *arguments])

    return export


@pytest.fixture
def shop(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url, "other") as till:
        till.award("m-9", 5)
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
        till.award("m-1", 10)
        till.at(START + timedelta(days=2)).award("m-1", 20)
        clock = till.now + timedelta(hours=1)
        till.database.run(lambda connection: set_test_clock(connection, till.program, clock))
        yield till


def test_command_prints_the_journal(shop: Till, call: Callable[..., Result]) -> None:
    result = call()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == ",".join(COLUMNS)
    assert [row["amount"] for row in csv.DictReader(StringIO(result.stdout))] == ["10", "10", "20", "20"]


def test_command_writes_a_file_of_one_day(shop: Till, call: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "day.csv"
    result = call("--day", "2026-01-01", "--out", str(out))
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["amount"] for row in csv.DictReader(file)] == ["10", "10"]
    assert list(tmp_path.iterdir()) == [out]


def test_command_takes_any_times_up_to_the_present(shop: Till, call: Callable[..., Result]) -> None:
    between = call("--from", "2026-01-01T08:00:00+08:00", "--to", "2026-01-03T08:00:00+08:00")
    assert [row["amount"] for row in csv.DictReader(StringIO(between.stdout))] == ["20", "20"]
    known = call("--known-as-of", "2026-01-02T00:00:00Z")
    assert [row["amount"] for row in csv.DictReader(StringIO(known.stdout))] == ["10", "10"]


REFUSED: list[tuple[list[str], int, str]] = [
    (["--day", "2026-01-03"], 1, "day: 2026-01-03 is not over"),
    (["--to", "2026-01-09T00:00:00Z"], 1, "as_of: must not be later than the present"),
    (["--known-as-of", "2026-01-09T00:00:00Z"], 1, "known_as_of: must not be later than the present"),
    (
        ["--from", "2026-01-02T00:00:00Z", "--to", "2026-01-02T00:00:00Z"],
        1,
        "from: must be earlier than the end",
    ),
    (["--from", "2026-01-02"], 2, "must be an RFC 3339 time with offset"),
    (["--day", "2026-02-30"], 2, "there is no such day"),
    (["--day", "2026-01-01", "--to", "2026-01-02T00:00:00Z"], 2, "--day stands instead of"),
    (["--by-member"], 2, "--by-member is for beancount and hledger"),
    (["--format", "hledger", "--by-member", "--day", "2026-01-01"], 2, "leave out --from and --day"),
    (["--format", "parquet"], 2, "needs --out"),
    (["--program", "nobody"], 1, "There is no program 'nobody'"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), REFUSED)
def test_command_says_what_it_cannot_do(
    shop: Till, call: Callable[..., Result], arguments: list[str], code: int, said: str
) -> None:
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in " ".join(result.stderr.split())


def test_export_that_breaks_off_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    def pieces() -> Iterator[str]:
        yield "half"
        raise DatabaseUnavailable("it broke")

    out = tmp_path / "journal.csv"
    out.write_text("the earlier one", encoding="utf-8")
    with pytest.raises(DatabaseUnavailable):
        write_text(pieces(), out)
    assert out.read_text(encoding="utf-8") == "the earlier one"
    assert list(tmp_path.iterdir()) == [out]


def test_parquet_without_its_library_says_how_to_get_it(
    shop: Till, call: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(tables, "import_module", missing)
    result = call("--format", "parquet", "--out", str(tmp_path / "journal.parquet"))
    assert result.exit_code == 1
    assert "pip install 'loyalty-ledger[parquet]'" in result.stderr
    assert not list(tmp_path.iterdir())
