"""What the ledger has answered to a till, uploaded as the till's own record, is what its books have: to the fen."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson
import pytest

from ledger.clock import show
from ledger.finance.reconciliation.register import days_of, reconcile
from ledger.finance.reconciliation.uploads import Upload
from tests.till import Till, open_till

from .histories import live_through
from .paying import TERMS, pay_with_points

TYPES = {"earn": "purchase", "redeem": "redemption"}
NO_MONEY: dict[str, Any] = {"amount": 0}


@pytest.fixture(params=[1, 6, 7])
def lived(request: pytest.FixtureRequest, fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url, **TERMS) as till:
        pay_with_points(till)
        live_through(till, request.param, 150)
        yield till


def payments(till: Till) -> list[str]:
    """A row of what each answer told that was paid or given back, but for what was reversed later."""
    rows = []
    for kind, happened_at, answer in till.rows(
        "SELECT e.kind, e.effective_at, convert_from(o.answer, 'UTF8') FROM outcomes o JOIN entries e USING (entry_id)"
        " WHERE o.code IS NULL AND e.kind IN ('earn', 'redeem', 'capture', 'refund', 'return')"
        " AND NOT EXISTS (SELECT FROM entries r WHERE r.kind = 'reversal' AND r.parent_entry_id = e.entry_id)"
    ):
        told = orjson.loads(answer)
        reference = told.get("return_id") or told.get("purchase_id") or told["reference"]
        if kind == "earn":
            paid = told.get("paid") or {"points": 0, "cash": {"amount": spent_on(till, reference)}}
            points, cash = paid["points"], paid["cash"]
        elif kind == "return":
            points, cash = told["points_refunded"], told["cash_refund"]
        else:
            points, cash = told["points"], told.get("cash", NO_MONEY)
        when = show(happened_at)
        rows.append(f"{TYPES.get(kind, kind)},{reference},{when},{points},{cash['amount']}")
    return rows


def spent_on(till: Till, purchase_id: str) -> int:
    """What the lines came to: the answer does not repeat them."""
    query = "SELECT details -> 'lines' FROM entries WHERE kind = 'earn' AND reference = :reference"
    ((lines,),) = till.rows(query, reference=purchase_id)
    return sum(line["amount"] for line in lines)


def reconciled(till: Till, rows: list[str]) -> dict[str, Any]:
    csv = "\n".join(["type,reference,occurred_at,points,amount", *rows]).encode()
    with Upload("payments", BytesIO(csv), till.program.timezone) as upload:
        days = days_of(upload, None, None, till.program.timezone, till.now)
        return till.database.run(
            lambda connection: reconcile(connection, till.program, upload, days, by="k", now=till.now)
        )


def test_everything_that_was_answered_is_in_the_books_and_nothing_else(lived: Till) -> None:
    rows = payments(lived)
    assert len({row.split(",")[0] for row in rows}) == 5
    made = reconciled(lived, rows)
    assert made["data"] == []
    assert (made["matched"], made["missing"], made["extra"], made["different"]) == (len(rows), 0, 0, 0)


def test_each_row_that_is_left_out_is_extra(lived: Till) -> None:
    rows = payments(lived)
    left_out = sorted(rows)[len(rows) // 2 :: 7]
    made = reconciled(lived, [row for row in rows if row not in left_out])
    # What lies outside of the days that are left is not asked for.
    found = {(each["type"], each["reference"]) for each in made["data"]}
    assert made["extra"] == len(found) > 0
    assert found <= {tuple(row.split(",")[:2]) for row in left_out}
