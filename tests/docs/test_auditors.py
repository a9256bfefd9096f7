"""What the page for auditors states: the worked example, the chart and the chain, recomputed by its own SQL."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from ledger.finance.verify import CHECKS
from tests.docs.pages import blocks, text_of
from tests.till import Till, open_till

PAGE = "docs/auditors.md"


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url) as opened:
        yield opened


def test_the_worked_example_posts_what_the_page_lists(till: Till) -> None:
    work_through(till)
    rows = till.rows(
        """
        SELECT e.version, d.name, c.name, d.unit, p.amount, p.lot_id
          FROM entries e JOIN postings p USING (entry_id, holder_id)
          JOIN chart d ON d.account = p.debit JOIN chart c ON c.account = p.credit
         ORDER BY e.version, p.ordinal
        """
    )
    lots: dict[Any, str] = {None: "–"}
    posted = [(*row[:-1], lots.setdefault(row[-1], str(len(lots)))) for row in rows]
    assert [tuple(map(str, row)) for row in posted] == table("version | debit | credit | unit | amount | lot")


def test_the_worked_example_ends_at_the_trial_balance_of_the_page(till: Till) -> None:
    work_through(till)
    statement = next(body for body in blocks(PAGE, "sql") if "FROM legs" in body)
    found = {row[1]: tuple(int(amount or 0) for amount in row[2:]) for row in till.rows(statement)}
    told = {row[0]: tuple(map(int, row[1:])) for row in table("account | debit | credit | balance")}
    assert found == {account: sides[:2] for account, sides in told.items()}
    assert all(balance == abs(debit - credit) for debit, credit, balance in told.values())
    member = till.rows("SELECT points, debt, growth FROM holders")
    assert member == [tuple(told[name][2] for name in ("points", "debt", "growth"))]


def test_the_chart_is_the_one_of_the_database(till: Till) -> None:
    told = [row[:5] for row in table("code | account | kept by | normal side | unit | what")]
    found = till.rows("SELECT account::text, name, side, normal_side, unit FROM chart ORDER BY account")
    assert [(code, name.strip("`"), *rest) for code, name, *rest in told] == found


def test_a_stranger_recomputes_the_chain_with_the_statement_of_the_page(till: Till) -> None:
    work_through(till)
    till.award("m-2", 7)
    till.transfer("m-1", "m-2", 3)
    assert till.rows(chain_statement()) == [(9, 0)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET details = '{}' WHERE version = 1",
        "UPDATE entries SET recorded_at = recorded_at + interval '1 microsecond' WHERE version = 3",
        "UPDATE postings SET amount = 16 WHERE amount = 15 AND credit = 51",
        "UPDATE postings SET expires_at = expires_at + interval '1 day' WHERE expires_at IS NOT NULL",
        "DELETE FROM postings WHERE credit = 3",
    ],
)
def test_the_statement_of_the_page_notices_a_change(till: Till, fresh_database: Any, change: str) -> None:
    work_through(till)
    address = make_url(fresh_database.owner_url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as owner:
        for name in ("entries", "postings"):
            owner.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER".encode())
        owner.execute(change.encode())
    ((entries, broken),) = till.rows(chain_statement())
    assert entries == 6
    assert broken > 0


def test_the_page_lists_every_check_of_verify_with_its_promise() -> None:
    told = [row[:2] for row in table("check | promise | rows")]
    assert told == [(check.name, check.promise) for check in CHECKS]
    by_invariant = {
        name
        for row in table("no. | what holds | what makes it hold | checked by")
        for name in row[-1].split(", ")
    }
    assert by_invariant <= {check.name for check in CHECKS}


def work_through(till: Till) -> None:
    """The events of the worked example."""
    purchase = till.buy("m-1", 3900)
    spent = till.redeem("m-1", 15)
    till.give_back(purchase, 1, 1950)
    till.give_back(purchase, 1, 1950)
    till.buy("m-1", 3000)
    till.refund(spent, 5)


def chain_statement() -> str:
    # A colon before a name would be a parameter to the tests' own reader; a cast is none.
    return next(body for body in blocks(PAGE, "sql") if "sha256" in body).replace("::", r"\:\:")


def table(head: str) -> list[tuple[str, ...]]:
    """The rows of the table under that head."""
    found = re.search(rf"(?m)^\| {re.escape(head)} \|\n\|[-|]+\n((?:\|.*\n)+)", text_of(PAGE))
    assert found, f"no table {head}"
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in found[1].splitlines()]
    return [tuple(cell.strip() for cell in row) for row in rows]
