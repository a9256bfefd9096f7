"""Journals for bean-check and hledger: over random histories both accept them, and both see what is wrong."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.accounts.chart import Account
from ledger.accounts.programs import create_program
from ledger.clock import local_date
from ledger.finance.exports.journal import balances_at, journal_text, window_of, window_of_day
from ledger.finance.exports.names import NAMES
from ledger.finance.exports.plain_text import Window
from ledger.fx.quotes import MakeQuote
from ledger.journal.history import Times
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import PointsPart
from tests.till import Till, open_till, terms

from .checkers import complaints, each_checker, hledger_balances, needs_hledger
from .histories import live_through
from .paying import TERMS, pay_with_points

SEEDS = (2, 5, 8)


@pytest.fixture(params=SEEDS)
def lived(request: pytest.FixtureRequest, fresh_database: Any) -> Iterator[Till]:
    """A program that has lived through everything, late events included."""
    with open_till(fresh_database.app_url, **TERMS) as till:
        pay_with_points(till)
        live_through(till, request.param, 120)
        yield till


@pytest.fixture
def paid(fresh_database: Any) -> Iterator[Till]:
    """A program in which every way to pay with points was tried, over three months."""
    with open_till(fresh_database.app_url, **TERMS) as till:
        pay_with_points(till)
        live_through(till, 3, 60)
        yield till


def whole(till: Till) -> Window:
    return window_of(None, None, None, till.now)


def text_of(till: Till, window: Window, form: str, **how: bool) -> str:
    with till.reading() as connection:
        return "".join(journal_text(connection, till.program, window, form, **how))


def transactions(journal: str) -> list[str]:
    """The entries of a journal, each as its lines; what was opened and asserted is none."""
    return [part for part in journal.split("\n\n") if re.match(r"\d{4}-\d\d-\d\d \* \"?\w+ ent_", part)]


def expected_balances(till: Till) -> dict[str, dict[str, Decimal]]:
    """The trial balance as the journals name it, money in yuan."""
    with till.reading() as connection:
        totals = balances_at(connection, till.program, Times(till.now, till.now))
    cents = {"CNY": Decimal("0.01")}
    names = {"POINT": range(1, 80), "CNY": range(80, 90), "CNY_MICRO": range(90, 100)}
    found: dict[str, dict[str, Decimal]] = {}
    for account, amount in totals.items():
        unit = "GROWTH" if "GROWTH" in account.name else next(u for u, r in names.items() if account in r)
        if amount:
            found[NAMES[account]] = {unit: amount * cents.get(unit, Decimal(1))}
    return found


@each_checker
def test_program_accepts_what_a_random_history_has_posted(lived: Till, form: str, tmp_path: Path) -> None:
    journal = text_of(lived, whole(lived), form)
    assert len(transactions(journal)) > 100
    assert complaints(form, journal, tmp_path) == ""


@each_checker
def test_program_accepts_accounts_of_each_member(lived: Till, form: str, tmp_path: Path) -> None:
    journal = text_of(lived, whole(lived), form, by_member=True)
    assert len(set(re.findall("Liabilities:Points:Members:H[0-9A-F]{32}", journal))) == 4
    assert complaints(form, journal, tmp_path) == ""


@each_checker
def test_asserted_balances_are_those_of_the_trial_balance(lived: Till, form: str) -> None:
    asserted = _asserted(text_of(lived, whole(lived), form))
    assert list(asserted) == list(NAMES.values())
    assert {
        name: amounts for name, amounts in asserted.items() if any(amounts.values())
    } == expected_balances(lived)


def _asserted(journal: str) -> dict[str, dict[str, Decimal]]:
    """What the last assertions say."""
    last = journal.rsplit("\n\n", 1)[1]
    lines = re.findall(
        r"(?m)^(?:\S+ balance|   ) (\S+)  (?:\S+ \S+ =\* )?(\S+) (?:~ 0 )?\"?([A-Z_]+)\"?$", last
    )
    return {account: {unit: Decimal(amount)} for account, amount, unit in lines}


@needs_hledger
def test_balances_of_hledger_are_those_of_the_trial_balance(lived: Till, tmp_path: Path) -> None:
    assert hledger_balances(text_of(lived, whole(lived), "hledger"), tmp_path) == expected_balances(lived)


def _alter_one_leg(journal: str, chosen: str) -> str:
    return journal.replace(chosen, re.sub(r"  (\d+) (POINT|GROWTH)", r"  1\1 \2", chosen, count=1))


def _alter_both_legs(journal: str, chosen: str) -> str:
    """Still balanced, and off by one in the last digit."""
    raised = re.sub(r"(\d) (POINT|GROWTH|CNY)\n", lambda m: f"{m[1]}1 {m[2]}\n", chosen + "\n", count=2)
    return journal.replace(chosen + "\n", raised)


def _leave_out(journal: str, chosen: str) -> str:
    return journal.replace(chosen + "\n\n", "")


def _repeat(journal: str, chosen: str) -> str:
    return journal.replace(chosen, f"{chosen}\n\n{chosen}")


def _leave_out_a_leg(journal: str, chosen: str) -> str:
    return journal.replace(chosen, chosen.rsplit("\n", 1)[0])


def _forget_a_declaration(journal: str, chosen: str) -> str:
    account = chosen.rsplit("\n", 1)[1].split(maxsplit=1)[0]
    return re.sub(rf"(?m)^(\S+ open|account) {account}\b.*\n", "", journal)


SPOILT = (_alter_one_leg, _alter_both_legs, _leave_out, _repeat, _leave_out_a_leg, _forget_a_declaration)


@each_checker
@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__.strip("_"))
def test_program_sees_what_is_wrong(
    paid: Till, form: str, spoil: Callable[[str, str], str], tmp_path: Path
) -> None:
    journal = text_of(paid, whole(paid), form)
    random = Random(spoil.__name__)
    earnings = [part for part in transactions(journal) if re.search(r"  \d+ (POINT|GROWTH)\n", part + "\n")]
    for chosen in random.sample(earnings, 3):
        spoilt = spoil(journal, chosen)
        assert spoilt != journal
        assert complaints(form, spoilt, tmp_path)


@each_checker
def test_one_fen_is_seen(paid: Till, form: str, tmp_path: Path) -> None:
    """A program that tolerates a difference in the last digit would let every fen pass."""
    journal = text_of(paid, whole(paid), form)
    chosen = next(part for part in transactions(journal) if re.search(r"Income:Sales  -\d+\.\d\d CNY", part))
    more = re.sub(
        r"(Assets:Cash:Tender  |Income:Sales  -)(\d+\.\d\d) CNY",
        lambda m: f"{m[1]}{Decimal(m[2]) + Decimal('0.01')} CNY",
        chosen,
    )
    assert more.count("CNY\n") == chosen.count("CNY\n")
    assert complaints(form, journal.replace(chosen, more), tmp_path)


@each_checker
def test_balance_that_is_asserted_wrongly_is_seen(paid: Till, form: str, tmp_path: Path) -> None:
    journal = text_of(paid, whole(paid), form)
    *before, last = re.split(r"(?<=Liabilities:Points:Members  )", journal)
    spoilt = re.sub(r"-(\d+) ", lambda m: f"-{int(m[1]) + 1} ", last, count=1)
    assert spoilt != last
    assert complaints(form, "".join([*before, spoilt]), tmp_path)


@each_checker
def test_every_day_stands_by_itself_and_together_they_are_the_whole(
    paid: Till, form: str, tmp_path: Path
) -> None:
    window, zone = whole(paid), paid.program.timezone
    ((first,),) = paid.rows("SELECT min(effective_at) FROM entries")
    day, found = local_date(first, zone), []
    while day < local_date(paid.now, zone):
        part = window_of_day(day, zone, window.known_as_of, paid.now)
        journal = text_of(paid, part, form)
        found += transactions(journal)
        if transactions(journal):
            assert complaints(form, journal, tmp_path) == ""
            assert "opening balances" in journal
        day += timedelta(days=1)
    rest = text_of(paid, window_of(part.end, None, None, paid.now), form)
    assert complaints(form, rest, tmp_path) == ""
    assert found + transactions(rest) == transactions(text_of(paid, window, form))


@each_checker
def test_empty_books_are_accepted(fresh_database: Any, form: str, tmp_path: Path) -> None:
    with open_till(fresh_database.app_url) as till:
        assert complaints(form, text_of(till, whole(till), form), tmp_path) == ""


@pytest.mark.parametrize("form", ["csv", "beancount", "hledger"])
def test_same_times_give_the_same_bytes_whatever_arrives_later(paid: Till, form: str) -> None:
    times = (paid.now - timedelta(days=20), paid.now - timedelta(days=2), paid.now)
    before = [text_of(paid, window_of(*times, paid.now), form)]
    before.append(text_of(paid, window_of(None, times[2], times[2], paid.now), form))
    paid.at(paid.now + timedelta(seconds=1)).buy("m-1", 5_000, occurred_at=paid.now - timedelta(days=5))
    paid.award("m-2", 70)
    after = [text_of(paid, window_of(*times, paid.now), form)]
    after.append(text_of(paid, window_of(None, times[2], times[2], paid.now), form))
    assert before == after
    assert text_of(paid, whole(paid), form) != after[1]


@each_checker
@pytest.mark.parametrize(
    ("currency", "shown"), [("JPY", "-1250 JPY"), ("KWD", "-1.250 KWD"), ("CNY", "-12.50 CNY")]
)
def test_money_is_written_with_the_digits_of_its_currency(
    fresh_database: Any, form: str, currency: str, shown: str, tmp_path: Path
) -> None:
    with open_till(fresh_database.app_url) as till:
        till.program = till.database.run(
            lambda connection: create_program(
                connection, "abroad", currency=currency, timezone="Asia/Tokyo", terms=terms(), now=till.now
            )
        )
        till.award("m-1", 100)
        (quote,) = till.post(MakeQuote("m-1", 1_350, currency, 100))
        part = PointsPart(quote["quote_id"])
        till.post(Purchase("p-1", "m-1", till.now, currency, (Line("1", 1, 1_350),), points_part=part))
        journal = text_of(till, whole(till), form)
        assert f"{NAMES[Account.SALES]}  {shown}\n" in journal
        assert complaints(form, journal, tmp_path) == ""
