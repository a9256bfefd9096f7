"""Checks of what was paid with points: their face value is exact to the millionth, and no more goes back than came.

Each entry that spends points at a rate, and with it what was given back of it, is taken from its postings and held
against its details and the version of the rate that it names. Nothing here knows how a tender is divided: whatever
the order of returns, value and cash come to the money returned, points follow their value, and all of it is all that
was paid.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, groupby
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson
from iso4217 import Currency

from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk

_MICRO = 1_000_000

# The accounts by their codes: 3 debt, 50 issued, 51 redeemed, 70 trading points, 71 converted, 80 tender cash,
# 81 sales, 82 points discount, 83 trading money, 84 points sold, 90 rounding, 91 trading residue.
_MOVED: LiteralString = """
WITH paying AS MATERIALIZED (
    SELECT entry_id FROM postings WHERE debit >= 70
    UNION
    SELECT entry_id FROM entries
     WHERE kind IN ('earn', 'redeem', 'capture') AND details::text LIKE '%"paid"%'
), family AS (
    SELECT e.entry_id, e.holder_id, e.kind, e.version, e.details,
           CASE WHEN e.kind IN ('refund', 'return', 'reversal') THEN e.parent_entry_id ELSE e.entry_id END AS root
      FROM entries e
     WHERE e.entry_id IN (SELECT y.entry_id FROM paying y)
        OR e.kind IN ('refund', 'return', 'reversal') AND e.parent_entry_id IN (SELECT y.entry_id FROM paying y)
), moved AS (
    SELECT entry_id, holder_id,
           sum(amount) FILTER (WHERE credit = 51) AS spent, sum(amount) FILTER (WHERE debit = 51) AS refunded,
           sum(amount) FILTER (WHERE debit = 70) AS points, sum(amount) FILTER (WHERE credit = 70) AS points_back,
           sum(amount) FILTER (WHERE debit = 82) AS value, sum(amount) FILTER (WHERE credit = 82) AS value_back,
           sum(amount) FILTER (WHERE debit = 91) AS residue, sum(amount) FILTER (WHERE credit = 91) AS residue_back,
           sum(amount) FILTER (WHERE credit = 81) AS cash, sum(amount) FILTER (WHERE debit = 81) AS cash_back,
           sum(amount) FILTER (WHERE debit = 50 AND credit = 3) AS sold,
           sum(amount) FILTER (WHERE credit = 84) AS sold_for
      FROM postings WHERE entry_id IN (SELECT f.entry_id FROM family f) GROUP BY 1, 2
)
SELECT f.root, f.entry_id, f.kind, h.program_id, p.currency, f.details::text,
       coalesce(m.spent, 0)::bigint, coalesce(m.refunded, 0)::bigint,
       coalesce(m.points, 0)::bigint, coalesce(m.points_back, 0)::bigint,
       coalesce(m.value, 0)::bigint, coalesce(m.value_back, 0)::bigint,
       coalesce(m.residue, 0)::bigint, coalesce(m.residue_back, 0)::bigint,
       coalesce(m.cash, 0)::bigint, coalesce(m.cash_back, 0)::bigint,
       coalesce(m.sold, 0)::bigint, coalesce(m.sold_for, 0)::bigint
  FROM family f
  LEFT JOIN moved m USING (entry_id, holder_id)
  JOIN holders h USING (holder_id)
  JOIN programs p USING (program_id)
 ORDER BY f.root, f.root <> f.entry_id, f.holder_id, f.version
"""

_RATES: LiteralString = "SELECT program_id, version, bid, ask FROM rates"

Rates = Mapping[tuple[int, int], tuple[Decimal, Decimal]]
"""Bid and ask in major units, by program and version."""


class Moved(NamedTuple):
    """An entry, and what its postings moved: points, minor units, and millionths of them."""

    root: UUID
    entry_id: UUID
    kind: str
    program_id: int
    currency: str
    details: Mapping[str, Any]
    spent: int
    refunded: int
    points: int
    points_back: int
    value: int
    value_back: int
    residue: int
    residue_back: int
    cash: int
    cash_back: int
    sold: int
    sold_for: int

    @property
    def goods(self) -> int:
        """The money of the lines that were bought or go back."""
        return sum(line["amount"] for line in self.details.get("lines", ()))

    def micros(self, price: Decimal) -> Decimal:
        """A price in major units as millionths of a minor unit."""
        return price.scaleb(Currency(self.currency).exponent or 0) * _MICRO


class _Different(NamedTuple):
    field: str
    expected: object
    found: object


def wrong_payments(rows: Rows) -> Iterator[Fault]:
    """Every entry that spends points at a rate, or gives them back, and whose money is not what it must be."""
    rates = {(row[0], row[1]): (row[2], row[3]) for row in rows.stream(_RATES)}
    for root, group in groupby(rows.stream(_MOVED), key=lambda row: row[0]):
        family = list(group)
        try:
            for entry_id, (field, expected, found) in _wrong_family(rates, [_moved(row) for row in family]):
                yield Fault("entries", {"entry_id": entry_id}, field, str(expected), str(found))
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
            told = str(family[0][5])[:200]
            yield Fault("entries", {"entry_id": root}, "details", "what was paid, and at which rate", told)


def _moved(row: tuple[Any, ...]) -> Moved:
    return Moved._make((*row[:5], orjson.loads(row[5] or "{}"), *row[6:]))


def _wrong_family(rates: Rates, family: Sequence[Moved]) -> Iterator[tuple[UUID, _Different]]:
    """The faults of an entry that was paid and of what went back of it; or, alone, of what went back for money."""
    root = family[0].root
    paid = family[0] if family[0].entry_id == root else None
    back = family[1:] if paid else family
    if paid:
        yield from ((root, different) for different in _wrong_spending(rates, paid))
    for entry in back:
        alone = (_wrong_sale(rates, entry), _wrong_refund(entry, is_paid=bool(paid and paid.points)))
        yield from ((entry.entry_id, different) for different in chain(*alone))
    if paid and paid.points:
        yield from ((root, different) for different in _wrong_returns(paid, back))


def _wrong_spending(rates: Rates, entry: Moved) -> Iterator[_Different]:
    """The face value of an entry that spends points: exact, at the bid of the version that it names."""
    paid = entry.details.get("paid") or {"points": 0, "points_value": 0, "cash": 0}
    yield from _differing(
        "points and their value", (paid["points"], paid["points_value"]), (entry.points, entry.value)
    )
    # Of a redemption the cash is taken elsewhere, and only told here.
    yield from _differing("cash", paid["cash"] if entry.kind == "earn" else 0, entry.cash)
    yield from _differing("given back", (0,) * 7, (*_back(entry), entry.sold, entry.sold_for))
    if not entry.points:
        yield from _differing("residue", 0, entry.residue)
        return
    bid, _ = rates[entry.program_id, paid["rate_version"]]
    yield from _differing("rate", bid, Decimal(paid["rate"]))
    yield from _differing("points redeemed", entry.points, entry.spent)
    exact = divmod(entry.points * entry.micros(bid), _MICRO)
    yield from _differing("value and residue", exact, (entry.value, entry.residue))
    if entry.kind == "earn":
        yield from _differing("value and cash", entry.goods, entry.value + entry.cash)
        yield from _differing("cash", entry.details["cash"], entry.cash)


def _wrong_sale(rates: Rates, entry: Moved) -> Iterator[_Different]:
    """Points sold where goods go back, to repay what is owed at once: at the ask, ceiled."""
    sold = entry.details.get("sold") or {"points": 0, "amount": 0}
    told = (sold["points"], sold["amount"])
    yield from _differing("points sold and their price", told, (entry.sold, entry.sold_for))
    if not entry.sold:
        yield from _differing("residue", 0, entry.residue)
        return
    _, ask = rates[entry.program_id, sold["rate_version"]]
    yield from _differing("rate", ask, Decimal(sold["rate"]))
    exact = entry.sold_for * _MICRO - entry.residue
    yield from _differing("price less residue", entry.sold * entry.micros(ask), exact)
    if entry.residue >= _MICRO:
        yield _Different("residue", f"below {_MICRO}", entry.residue)


def _wrong_refund(entry: Moved, is_paid: bool) -> Iterator[_Different]:
    """What one entry gives back: what it says, and nothing of what was not paid with points."""
    _, *back = _back(entry)
    if not is_paid:
        yield from _differing("given back at a rate", [0] * 4, back)
    elif "refunded" in entry.details:
        told = entry.details["refunded"]
        points, value, _, cash = back
        expected = (told["points"], told["points_value"], told["cash"])
        yield from _differing("given back", expected, (points, value, cash))


def _wrong_returns(paid: Moved, back: Sequence[Moved]) -> Iterator[_Different]:
    """What went back in all: in proportion, and no more than was paid."""
    each = [_back(entry) for entry in back] or [(0,) * 5]
    refunded, points, value, residue, cash = map(sum, zip(*each, strict=True))
    yield from _differing("points given back", refunded, points)
    yield from _differing("residue given back", paid.residue * points // paid.points, residue)
    for field, most, found in zip(
        ("points", "value", "cash"), (paid.points, paid.value, paid.cash), (points, value, cash), strict=True
    ):
        if found > most:
            yield _Different(f"{field} given back", f"at most {most}", found)
    if any(entry.kind == "reversal" for entry in back):
        yield from _differing("taken back", (paid.points, paid.value, paid.cash), (points, value, cash))
    elif paid.kind == "earn":
        yield from _differing("value and cash given back", sum(entry.goods for entry in back), value + cash)
        # Points go back with their value, whichever line it is of: all of them with all of it.
        yield from _differing("points given back", paid.points * value // paid.value, points)
    else:
        # Ceiled: what stays given for the rest is floored.
        yield from _differing("value given back", -(-paid.value * points // paid.points), value)


def _back(entry: Moved) -> tuple[int, int, int, int, int]:
    """What an entry gives back of a payment: all that goes out, less what is sold."""
    points, value = entry.points_back - entry.sold, entry.value_back - entry.sold_for
    return entry.refunded, points, value, entry.residue_back, entry.cash_back


def _differing(field: str, expected: object, found: object) -> Iterator[_Different]:
    if expected != found:
        yield _Different(field, expected, found)


CHECKS = (
    by_walk(
        "face values",
        "points spent at a rate have its exact value, and what goes back of them and of the cash is theirs",
        ("entries", "postings", "rates"),
        wrong_payments,
    ),
)
