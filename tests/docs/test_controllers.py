"""The page for controllers: its journal lines are what the book makes of them, and no row or column is missing."""

import re
from decimal import Decimal
from typing import Final

import pytest

from ledger.finance.deferral.book import AWARD, Facts, Measured
from ledger.finance.deferral.policy import METHODS
from ledger.finance.deferral.report import _COHORT_COLUMNS, ACCOUNTS, ROWS, lines_of
from ledger.finance.deferral.schemas import PointsLiabilitySchema
from tests.docs.pages import text_of
from tests.finance.deferral.cohorts import award, estimate, issue, policy, redeem, step, through

PAGE: Final = text_of("docs/controllers.md")
LINE: Final = re.compile(r"(?m)^\| [^|]* \| (\w+) \| (\w+) \| ([\d,.]+) \| `(\w+)`")


def told(example: str) -> list[tuple[str, str, str, int]]:
    """The journal lines of one example: row, debit, credit, minor units."""
    section = PAGE.split(f"## Worked example: {example}\n")[1].split("\n## ")[0]
    return [
        (row, debit, credit, int(Decimal(amount.replace(",", "")) * 100))
        for debit, credit, amount, row in LINE.findall(section)
    ]


def moved(*books: Measured) -> list[tuple[str, str, str, int]]:
    """The journal lines between one state of a cohort and the next, from nothing on."""
    found, before = [], None
    for book in books:
        rows = book.rows.since(before) if before else book.rows
        found += [(line.row, line.debit, line.credit, line.amount) for line in lines_of([(book.kind, rows)])]
        before = book.rows
    return found


def test_the_deferral_is_what_the_book_makes_of_it() -> None:
    steps = [
        step(1, issue(10_000, 10_000_000, 867_580)),
        step(11, redeem(4_500)),
        step(23, redeem(4_000)),
        step(24),
    ]
    estimates = [estimate("0.95"), estimate("0.97", 24, 2)]
    assert told("a deferral") == moved(*(through(steps[:end], estimates) for end in range(1, 5)))


def test_the_provision_is_what_the_book_makes_of_it() -> None:
    estimates = [estimate("0.8"), estimate("0.9", 2, 2)]
    steps = [
        step(1, issue(10_000), award()),
        step(1, redeem(3_000), award()),
        step(2, bid="1.02"),
        step(2, bid="0.97"),
        step(2, redeem(1_000), award(), bid="0.97"),
    ]
    before = [through(steps[:end], estimates[:1]) for end in range(1, 6)]
    assert told("a provision") == moved(*before, through(steps, estimates))
    assert through(steps, estimates).rows.liability == 4_850


def test_the_agent_is_what_the_book_makes_of_it() -> None:
    facts = Facts(price=1_000_000, allocated=7_937, issued=10_000, left=10_000)
    book = through(
        [step(1, facts)], [estimate("0.8")], [policy("agent_net", settlement_price=Decimal("0.006"))]
    )
    assert told("an agent") == moved(book)


@pytest.mark.parametrize("name", [*METHODS, *ROWS, *ACCOUNTS, *_COHORT_COLUMNS, AWARD])
def test_no_method_row_account_or_column_goes_without_a_word(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


@pytest.mark.parametrize("name", PointsLiabilitySchema().fields)
def test_no_figure_of_the_liability_goes_without_a_word(name: str) -> None:
    assert name in ("as_of", "known_as_of", "currency", "bid", "rate_version") or f"`{name}`" in PAGE
