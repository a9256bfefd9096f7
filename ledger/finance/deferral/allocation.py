"""What became of one purchase's price: the proof behind a cohort's allocation, line by line, for auditors.

Worked out by the very SQL of the totals, for one entry instead of all of them. Nothing is stored, and nothing needs to
be: policies, estimates and rates never change, and their ids say which of them the purchase knew.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, LiteralString

from psycopg.rows import dict_row
from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import PurchaseUnknown
from ledger.finance.deferral.policy import plain
from ledger.finance.months import show_month
from ledger.finance.totals import contracts, moves
from ledger.finance.totals.refresh import parameters_of
from ledger.ids import show as show_id
from ledger.journal.asking import Driver, driver_of
from ledger.money import exponent

SHARE_DECIMALS: Final = 12
"""Of a share that the policy does not round."""

_FOUND: LiteralString = """
SELECT r.entry_id, r.holder_id, h.member_id
  FROM business_references r JOIN holders h USING (holder_id)
 WHERE r.program_id = %(program)s AND r.kind = 'purchase' AND r.reference = %(purchase)s
"""

_PARTS: LiteralString = "WITH " + ", ".join(
    [
        moves.dated("e.holder_id = %(holder)s AND (e.entry_id = %(entry)s OR e.parent_entry_id = %(entry)s)"),
        *contracts.PARTS,
    ]
)
_ALLOCATED: LiteralString = " SELECT * FROM allocated WHERE entry_id = %(entry)s"
_TAKEN: LiteralString = " SELECT * FROM taken ORDER BY entry_id"


def show_allocation(
    connection: Connection, program: Program, purchase_id: str, now: datetime
) -> dict[str, Any]:
    """How a purchase's price was allocated, and what returns have taken of it by now. Money in minor units.

    Refuses a purchase that is not in the books (``purchase_unknown``).
    """
    driver = driver_of(connection)
    found = driver.execute(_FOUND, {"program": program.program_id, "purchase": purchase_id}).fetchone()
    if found is None:
        raise PurchaseUnknown(f"there is no purchase {purchase_id}", purchase_id=purchase_id)
    entry, holder, member = found
    values = parameters_of(program) | {"entry": entry, "holder": holder}
    (sale,) = _rows(driver, _ALLOCATED, values)
    taken = _rows(driver, _TAKEN, values)
    back = {name: int(sum(row[name] or 0 for row in taken)) for name in _MEASURES}
    allocated = int(sale["allocation"])
    return {
        "purchase_id": purchase_id,
        "entry_id": show_id("ent", entry.bytes),
        "member_id": member,
        "occurred_at": show(sale["effective_at"]),
        "recorded_at": show(sale["recorded_at"]),
        "as_of": show(now),
        "cohort": show_month(sale["cohort"]),
        "currency": program.currency,
        "paid": int(sale["gross"]),
        "tax_rate": plain(sale["tax_rate"]),
        "price": int(sale["price"]),
        "points": int(sale["points"]),
        "policy_version": sale["policy_version"],
        "method": sale["method"],
        "unit_value": plain(sale["unit_value"]),
        "unit_value_of": "policy" if sale["rate_version"] is None else "rate",
        "rate_version": sale["rate_version"],
        "expected_redemption": plain(sale["expected"]),
        "estimate_version": sale["estimate_version"],
        **_shares(program, sale),
        "allocated": allocated,
        "allocated_to_goods": int(sale["price"]) - allocated,
        "taken_back": [_taken(row) for row in taken],
        "remaining": {
            "price": int(sale["price"]) - back["paid_back"],
            "points": int(sale["points"]) - back["clawed"],
            "allocated": allocated - back["reversed"] - back["price_changed"],
        },
    }


_MEASURES: Final = ("paid_back", "clawed", "reversed", "price_changed")


def _shares(program: Program, sale: Mapping[str, Any]) -> dict[str, Any]:
    """What the points would fetch apart from the goods, and their share of both together, where that decides."""
    if sale["method"] not in ("deferral_relative_ssp", "agent_net") or not sale["together"]:
        return {"points_apart": None, "share": None, "share_decimals": None}
    apart, together = Fraction(sale["apart"]), Fraction(sale["together"])
    decimals = sale["share_decimals"]
    unrounded = Decimal(round(apart / together * 10**SHARE_DECIMALS)).scaleb(-SHARE_DECIMALS)
    minor = Decimal(10) ** exponent(program.currency)
    return {
        "points_apart": plain(sale["apart"] / minor),
        "share": plain(unrounded if decimals is None else sale["rounded"]),
        "share_decimals": decimals,
    }


def _taken(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entry_id": show_id("ent", row["entry_id"].bytes),
        "kind": row["kind"],
        "return_id": row["reference"] if row["kind"] == "return" else None,
        "occurred_at": show(row["effective_at"]),
        "recorded_at": show(row["recorded_at"]),
        "booked_in": show_month(row["booked_on"].replace(day=1)),
        "paid_back": int(row["paid_back"] or 0),
        "points": int(row["clawed"]),
        "reversed": int(row["reversed"]),
        "price_changed": int(row["price_changed"] or 0),
    }


def _rows(driver: Driver, query: LiteralString, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with driver.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_PARTS + query, values).fetchall()
