"""The close pack: everything that a month's close froze, as one object whose bytes are hashed.

It is worked out from the entries that were booked up to the end of the month, as they were known at the close. No
later entry is booked there, so the same pack can be worked out at any later time, and ``ledger verify`` does so.

Its lists are bounded: of the keys of a dimension and of late and manual entries the first ``LISTED`` stand in it one
by one, and how many there are is told beside them. Cohorts are two for each month of the program's life.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from ledger.accounts.chart import Account, units_of
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.deferral.facts import read_estimates, read_policies
from ledger.finance.deferral.report import show_deferral, show_share
from ledger.finance.flagged import show_entries
from ledger.finance.liability import show_liability
from ledger.finance.months import bounds_of, next_month, show_month
from ledger.finance.periods.ties import ties_of
from ledger.finance.roll_forward import movements_of
from ledger.finance.totals.reading import Cut, Sum, read_flagged, read_sums
from ledger.finance.trial_balance import AccountTotal, TrialBalance
from ledger.journal.history import Times

FORMAT: Final = "ledger close pack 1"
"""What a pack consists of: another release may show more, and must go on making this one for months of this one."""

BY: Final = ("store", "region", "channel", "rule", "tier")
"""The dimensions in which a pack rolls the points forward."""

LISTED: Final = 1_000
"""Rows that a list of a pack holds at most."""

ADDED: Final = frozenset({"previous_pack_hash", "checkpoint", "closed_by"})
"""What a lock adds to the part that follows from the books."""


def frozen(
    connection: Connection,
    program: Program,
    period: date,
    known_as_of: datetime,
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The part of a pack that follows from the books: the same whenever it is worked out.

    ``before`` is the pack of the month before, where there is one.
    """
    start, last = bounds_of(program, period)
    opening = read_sums(connection, program, "all", Cut(start, known_as_of, booked=True))
    closing = read_sums(connection, program, "all", Cut(last, known_as_of, booked=True))
    deferral = show_deferral(connection, program, start, last, known_as_of)
    estimates = read_estimates(connection, program, known_as_of)
    policies = read_policies(connection, program, known_as_of)
    balance = _trial_balance(program, closing, Times(last, known_as_of))
    points = _rolled(opening, closing)
    pack = {
        "format": FORMAT,
        "program": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "period": show_month(period),
        "from": show(start),
        "to": show(last),
        "known_as_of": show(known_as_of),
        "trial_balance": [
            {"unit": unit["unit"], **line}
            for unit in balance["units"]
            for line in unit["accounts"]
            if line["debit"] or line["credit"]
        ],
        "balances": [
            {name: unit[name] for name in ("unit", "total_debit", "total_credit", "difference")}
            for unit in balance["units"]
        ],
        "points": points,
        "points_by": {
            dimension: _rolled_by(connection, program, dimension, period, known_as_of) for dimension in BY
        },
        "redemption_rate": [_rate("period", points), _rate("since_the_beginning", _rolled([], closing))],
        "expiry_backlog": {"points": _unbooked_expiry(connection, program, period, known_as_of)},
        "deferral": deferral,
        "liability": show_liability(connection, program, last, known_as_of),
        "estimates": [each.shown() for each in estimates if each.version in set(deferral["estimates"])],
        "policies": [each.shown() for each in policies if each.version in deferral["policies"]],
        "late_entries": _flagged(connection, program, "late", period, known_as_of),
        "manual_entries": _flagged(connection, program, "manual", period, known_as_of),
    }
    return pack | {"ties": ties_of(pack, before)}


def encoded(pack: Mapping[str, Any]) -> tuple[str, bytes]:
    """The text of a pack, its members in order, and the hash of its bytes."""
    text = orjson.dumps(pack, option=orjson.OPT_SORT_KEYS)
    return text.decode(), sha256(text).digest()


def _trial_balance(program: Program, sums: Sequence[Sum], times: Times) -> dict[str, Any]:
    debits, credits_ = dict.fromkeys(Account, 0), dict.fromkeys(Account, 0)
    for row in sums:
        debits[row.debit] += row.amount
        credits_[row.credit] += row.amount
    totals = {each: AccountTotal(each, debits[each], credits_[each]) for each in Account}
    return TrialBalance(times, totals, units_of(program.currency)).shown()


def _rolled(opening: Sequence[Sum], closing: Sequence[Sum]) -> dict[str, int]:
    before = movements_of((row.debit, row.credit, row.amount) for row in opening)
    after = movements_of((row.debit, row.credit, row.amount) for row in closing)
    return {"opening": before.net, **(after - before).shown(), "closing": after.net}


def _rolled_by(
    connection: Connection, program: Program, dimension: str, period: date, known_as_of: datetime
) -> dict[str, Any]:
    start, last = bounds_of(program, period)
    opening = _by_key(read_sums(connection, program, dimension, Cut(start, known_as_of, booked=True)))
    closing = _by_key(read_sums(connection, program, dimension, Cut(last, known_as_of, booked=True)))
    rolled = [(key, _rolled(opening.get(key, []), closing[key])) for key in sorted(closing)]
    rows = [{"key": key, **row} for key, row in rolled if any(row.values())]
    return {"keys": len(rows), "rows": rows[:LISTED], "rest": _summed(rows[LISTED:])}


def _summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """What the rows come to that do not stand one by one; nothing, where there are none."""
    names = [name for name in rows[0] if name != "key"] if rows else []
    return {name: sum(row[name] for row in rows) for name in names} or None


def _by_key(sums: Sequence[Sum]) -> dict[str, list[Sum]]:
    found: dict[str, list[Sum]] = {}
    for row in sums:
        found.setdefault(row.key, []).append(row)
    return found


def _rate(window: str, points: Mapping[str, int]) -> dict[str, Any]:
    """Points redeemed for each point issued, both less what went back."""
    redeemed = points["redeemed"] - points["redemption_refunds"]
    issued = points["issued"] - points["clawed_back"]
    rate = show_share(Fraction(redeemed, issued)) if issued > 0 else None
    return {"window": window, "redeemed_net": redeemed, "issued_net": issued, "rate": rate}


def _unbooked_expiry(connection: Connection, program: Program, period: date, known_as_of: datetime) -> int:
    """Points, held ones included, whose end had come with the month, and that nobody had booked as expired.

    The sweep that books them comes after the close then, and they are outstanding until the month after.
    """
    cut = Cut(bounds_of(program, period).last, known_as_of, booked=True)
    following = next_month(period).isoformat()
    return sum(
        row.into_lots
        for row in read_sums(connection, program, "expiry", cut)
        # A day by its name; lots without an end, or with one that moves, bear words.
        if row.key < following
    )


def _flagged(
    connection: Connection, program: Program, flag: str, period: date, known_as_of: datetime
) -> dict[str, Any]:
    """The late or the manual entries that were booked in the month, in the order in which they came."""
    cut = Cut(bounds_of(program, period).last, known_as_of, booked=True)
    found = read_flagged(connection, program, flag, cut, booked_from=period)
    return {"entries": len(found), "data": show_entries(connection, found[:LISTED])}
