"""The roll-forward of points: from one balance to another by what moved them, in total or for one member.

Outstanding are the members' points and held points less their debt. Every posting between a member's
account and the house's moves it under exactly one name; postings between a member's own accounts move
nothing, and neither do those between two of the house's, which only tell at which rate points went. So
opening and movements give the closing balance, and it is the trial balance's.

A period runs from just after ``from`` up to and including ``to``, as ``as_of`` does: points that end with
a month are gone at the first instant of the next one, and belong to the month that they end with.

Told apart by store, region, channel or tier, points moved where the entry says that it happened; by rule, points that
a rule gave, and all else under no rule. So an opening balance of a store is what was given there more than spent.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import BUDGET_ACCOUNTS, Account, Unit
from ledger.accounts.models import holders
from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.clock import show
from ledger.finance.months import TICK, months_between, show_month
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Sum, read_sums
from ledger.finance.trial_balance import select_pairs
from ledger.journal.history import Times, times_of

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No event is older: no request may say so."""

MONTH: Final = "month"
WAYS: Final = (MONTH, "store", "region", "channel", "rule", "tier")
"""What the roll-forward may be told apart by. All but the month are dimensions of the totals."""

OWED_ACCOUNTS: Final = frozenset({Account.POINTS, Account.HELD, Account.DEBT})
"""The accounts of members in points. What stands on their credit side is outstanding."""

ARRIVES: Final = {
    Account.ISSUED: ("issued", 1),
    Account.REDEEMED: ("redemption_refunds", 1),
    Account.EXPIRED: ("expired", -1),
    Account.ADJUSTED: ("adjusted", 1),
    Account.TRANSFER: ("transferred", 1),
    Account.FORFEITED: ("forfeited", -1),
}
"""The movement under which points come to a member from an account of the house, and the sign it takes."""

LEAVES: Final = {
    Account.ISSUED: ("clawed_back", 1),
    Account.REDEEMED: ("redeemed", 1),
    Account.EXPIRED: ("expired", 1),
    Account.ADJUSTED: ("adjusted", -1),
    Account.TRANSFER: ("transferred", -1),
    Account.FORFEITED: ("forfeited", 1),
}
"""The movement under which points leave a member for an account of the house, and the sign it takes."""


@dataclass(frozen=True, slots=True)
class Movements:
    """What moved the outstanding points. ``adjusted`` and ``transferred`` are signed as members feel them."""

    issued: int = 0
    redeemed: int = 0
    redemption_refunds: int = 0
    expired: int = 0
    clawed_back: int = 0
    adjusted: int = 0
    transferred: int = 0
    forfeited: int = 0

    @property
    def net(self) -> int:
        """By how much the outstanding points grew."""
        arrived = self.issued + self.redemption_refunds + self.adjusted + self.transferred
        return arrived - self.redeemed - self.expired - self.clawed_back - self.forfeited

    def __sub__(self, earlier: "Movements") -> "Movements":
        """What moved since an earlier moment, where both are counted from the beginning."""
        return Movements(**{name: getattr(self, name) - getattr(earlier, name) for name in self.__slots__})

    def shown(self) -> dict[str, int]:
        """The movements by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def movements_of(pairs: Iterable[tuple[Account, Account, int]]) -> Movements:
    """Sums of postings by debit and credit account, sorted into movements; nothing but members' points moves."""
    sums: Counter[str] = Counter()
    for debit, credit, amount in pairs:
        if debit in BUDGET_ACCOUNTS or debit.unit is not Unit.POINT or debit.is_members == credit.is_members:
            continue
        name, sign = LEAVES[credit] if debit.is_members else ARRIVES[debit]
        sums[name] += sign * amount
    return Movements(**sums)


def outstanding_of(pairs: Iterable[tuple[Account, Account, int]]) -> int:
    """What the accounts of members come to, as the trial balance has it: points and held points less debt."""
    return sum(
        amount * ((credit in OWED_ACCOUNTS) - (debit in OWED_ACCOUNTS)) for debit, credit, amount in pairs
    )


def read_roll_forward(
    connection: Connection,
    program: Program,
    start: datetime,
    end: datetime,
    known_as_of: datetime | None,
    now: datetime,
    member_id: str | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """The report for a period, of the program or of one member (``member_unknown``), and by one of ``WAYS``.

    Refuses a period that ends before it begins or lies ahead of the present (InvalidRequest). ``difference`` is what
    the closing balance lacks to be the trial balance's; ``rows_difference`` what the rows lack to sum to the total.
    """
    known = require_period(start, end, known_as_of, now)
    if member_id is not None and by is not None:
        raise refused("by", "does not go with member_id")
    cut = Cut(end, known)
    if member_id is None:
        sums = read_sums(connection, program, "all", cut, steps=(after(start),), monthly=by == MONTH)
    else:
        sums = _sums_of_member(connection, program, start, cut, member_id)
    total = _row(None, sums)
    report = {
        "from": show(start),
        "to": show(end),
        "known_as_of": show(known),
        **total,
        "difference": total["closing"] - outstanding_of(_pairs(sums)),
    }
    del report["key"]
    if by is None:
        return report
    if by == MONTH:
        rows = _months(total["opening"], sums)
    else:
        rows = _rows(read_sums(connection, program, by, cut, steps=(after(start),)))
    return report | {"by": by, "rows": rows, "rows_difference": _difference(by, rows, total)}


def roll_forward_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    known_as_of: datetime | None = None,
    member_id: str | None = None,
    by: str | None = None,
) -> Report:
    """The roll-forward as a report: from the beginning and to the present, where they are left out."""
    body = read_roll_forward(
        connection, program, start or BEGINNING, end or now, known_as_of, now, member_id, by
    )
    columns = ("key", "opening", *Movements.__slots__, "closing")
    return Report(body, *([Table("rows", columns, body["rows"])] if by is not None else []))


def require_period(start: datetime, end: datetime, known_as_of: datetime | None, now: datetime) -> datetime:
    """As of when a period is to be known; InvalidRequest for one that ends before it begins or is not over."""
    if end < start:
        raise refused("to", "must not be before from")
    if end > now:
        raise refused("to", f"must not be later than the present, {show(now)}")
    return times_of(None, known_as_of, now).known_as_of


def after(start: datetime) -> datetime:
    """The first instant of a period that begins just after ``start``."""
    return start + TICK


def _pairs(sums: Iterable[Sum]) -> Iterator[tuple[Account, Account, int]]:
    return ((each.debit, each.credit, each.amount) for each in sums)


def _row(key: str | None, sums: Sequence[Sum]) -> dict[str, Any]:
    """A line of the report; the first step lies before the period."""
    opening = movements_of(_pairs(each for each in sums if each.step == 0)).net
    moved = movements_of(_pairs(each for each in sums if each.step > 0))
    return {"key": key, "opening": opening, **moved.shown(), "closing": opening + moved.net}


def _rows(sums: Iterable[Sum]) -> list[dict[str, Any]]:
    """A line for each key that has anything, those of no key first."""
    by_key: defaultdict[str, list[Sum]] = defaultdict(list)
    for each in sums:
        by_key[each.key].append(each)
    rows = [_row(key or None, by_key[key]) for key in sorted(by_key)]
    return [row for row in rows if any(amount for name, amount in row.items() if name != "key")]


def _months(opening: int, sums: Iterable[Sum]) -> list[dict[str, Any]]:
    """A line for each month from the first that moved anything to the last; each opens as the one before closed."""
    by_month: defaultdict[date, list[Sum]] = defaultdict(list)
    for each in sums:
        if each.step > 0 and movements_of(_pairs([each])) != Movements():
            assert each.month is not None
            by_month[each.month].append(each)
    rows = []
    for month in months_between(min(by_month), max(by_month)) if by_month else []:
        moved = movements_of(_pairs(by_month[month]))
        closing = opening + moved.net
        rows.append({"key": show_month(month), "opening": opening, **moved.shown(), "closing": closing})
        opening = closing
    return rows


def _difference(by: str, rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> int:
    """What the rows lack to sum to the total, over all columns. Months are a chain: only its ends are compared."""
    sums = {name: sum(row[name] for row in rows) for name in total if name != "key"}
    if by == MONTH:
        ends = (rows[0]["opening"], rows[-1]["closing"]) if rows else (total["opening"],) * 2
        sums |= dict(zip(("opening", "closing"), ends, strict=True))
    return sum(abs(amount - total[name]) for name, amount in sums.items())


def _sums_of_member(
    connection: Connection, program: Program, start: datetime, cut: Cut, member_id: str
) -> list[Sum]:
    """What one member's postings come to by the beginning of the period, and what they add to it by its end."""
    holder = require_member(connection, program, member_id)
    amounts: Counter[tuple[int, Account, Account]] = Counter()
    for until, sign in ((start, 1), (cut.until, 0)):
        query = select_pairs(program, Times(until, cut.known_as_of)).where(holders.c.holder_id == holder)
        for row in connection.execute(query):
            # A sum of bigints is a numeric to PostgreSQL.
            amount, pair = int(row.amount), (Account(row.debit), Account(row.credit))
            amounts[0, *pair] += amount * sign
            amounts[1, *pair] += amount * (1 - 2 * sign)
    return [
        Sum("", None, step, debit.unit, debit, credit, amount)
        for (step, debit, credit), amount in amounts.items()
    ]
