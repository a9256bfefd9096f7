"""The close pack: everything that a month's close froze, as one object whose bytes are hashed.

It is worked out from the entries that were booked up to the end of the month, as they were known at the close. No
later entry is booked there, so the same pack can be worked out at any later time, and ``ledger verify`` does so.
"""

from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from ledger.accounts.chart import Account, unit_name, units_of
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.deferral.facts import read_estimates, read_policies
from ledger.finance.deferral.report import show_deferral
from ledger.finance.liability import show_liability
from ledger.finance.months import bounds_of, show_month
from ledger.finance.roll_forward import movements_of
from ledger.finance.totals.reading import Cut, Flagged, Sum, read_flagged, read_sums
from ledger.ids import show as show_id

BY: Final = ("store", "region", "channel", "rule", "tier")
"""The dimensions in which a pack rolls the points forward."""


def frozen(
    connection: Connection,
    program: Program,
    period: date,
    known_as_of: datetime,
) -> dict[str, Any]:
    """The part of a pack that follows from the books: the same whenever it is worked out."""
    before, last = bounds_of(program, period)
    cut = Cut(last, known_as_of, booked=True)
    opening = read_sums(connection, program, "all", Cut(before, known_as_of, booked=True))
    closing = read_sums(connection, program, "all", cut)
    deferral = show_deferral(connection, program, before, last, known_as_of)
    estimates = read_estimates(connection, program, known_as_of)
    policies = read_policies(connection, program, known_as_of)
    used = set(deferral["estimates"])
    return {
        "program": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "period": show_month(period),
        "known_as_of": show(known_as_of),
        "trial_balance": _trial_balance(program, closing),
        "points": _rolled(opening, closing),
        "points_by": {
            dimension: _rolled_by(connection, program, dimension, period, known_as_of) for dimension in BY
        },
        "deferral": deferral,
        "liability": show_liability(connection, program, last, known_as_of),
        "estimates": [each.shown() for each in estimates if each.version in used],
        "policies": [each.shown() for each in policies if each.version in deferral["policies"]],
        "late_entries": _flagged(read_flagged(connection, program, "late", cut), period),
        "manual_entries": _flagged(read_flagged(connection, program, "manual", cut), period),
    }


def encoded(pack: dict[str, Any]) -> tuple[str, bytes]:
    """The text of a pack, its members in order, and the hash of its bytes."""
    text = orjson.dumps(pack, option=orjson.OPT_SORT_KEYS)
    return text.decode(), sha256(text).digest()


def _trial_balance(program: Program, sums: list[Sum]) -> list[dict[str, Any]]:
    debits, credits_ = dict.fromkeys(Account, 0), dict.fromkeys(Account, 0)
    for row in sums:
        debits[row.debit] += row.amount
        credits_[row.credit] += row.amount
    units = units_of(program.currency)
    return [
        {
            "unit": unit_name(units[account]),
            "account": account.name.lower(),
            "debit": debits[account],
            "credit": credits_[account],
        }
        for account in Account
        if debits[account] or credits_[account]
    ]


def _rolled(opening: list[Sum], closing: list[Sum]) -> dict[str, int]:
    before = movements_of((row.debit, row.credit, row.amount) for row in opening)
    after = movements_of((row.debit, row.credit, row.amount) for row in closing)
    return {"opening": before.net, **(after - before).shown(), "closing": after.net}


def _rolled_by(
    connection: Connection, program: Program, dimension: str, period: date, known_as_of: datetime
) -> list[dict[str, Any]]:
    before, last = bounds_of(program, period)
    opening = _by_key(read_sums(connection, program, dimension, Cut(before, known_as_of, booked=True)))
    closing = _by_key(read_sums(connection, program, dimension, Cut(last, known_as_of, booked=True)))
    return [{"key": key, **_rolled(opening.get(key, []), closing[key])} for key in sorted(closing)]


def _by_key(sums: list[Sum]) -> dict[str, list[Sum]]:
    found: dict[str, list[Sum]] = {}
    for row in sums:
        found.setdefault(row.key, []).append(row)
    return found


def _flagged(entries: list[Flagged], period: date) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": show_id("ent", each.entry_id.bytes),
            "effective_on": each.effective_on.isoformat(),
            "recorded_on": each.recorded_on.isoformat(),
            "booked_on": each.booked_on.isoformat(),
        }
        for each in entries
        if each.booked_on.replace(day=1) == period
    ]
