"""The roll-forward of points: from one balance to another by what moved them, in total or for one member.

Outstanding are the members' points and held points less their debt. Every posting between a member's
account and the house's moves it under exactly one name; postings between a member's own accounts move
nothing, and neither do those between two of the house's, which only tell at which rate points went. So
opening and movements give the closing balance, and it is the trial balance's.

A period runs from just after ``from`` up to and including ``to``, as ``as_of`` does: points that end with
a month are gone at the first instant of the next one, and belong to the month that they end with.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import BUDGET_ACCOUNTS, Account, Unit
from ledger.accounts.models import holders
from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.clock import show
from ledger.finance.trial_balance import select_pairs
from ledger.journal.history import Times, times_of

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


def read_roll_forward(
    connection: Connection,
    program: Program,
    start: datetime,
    end: datetime,
    known_as_of: datetime | None,
    now: datetime,
    member_id: str | None = None,
) -> dict[str, Any]:
    """The report for a period, of the program or of one member (``member_unknown``).

    Refuses a period that ends before it begins or lies ahead of the present (InvalidRequest).
    """
    if end < start:
        raise refused("to", "must not be before from")
    if end > now:
        raise refused("to", f"must not be later than the present, {show(now)}")
    known = times_of(None, known_as_of, now).known_as_of
    opening = _movements_until(connection, program, Times(start, known), member_id)
    closing = _movements_until(connection, program, Times(end, known), member_id)
    return {
        "from": show(start),
        "to": show(end),
        "known_as_of": show(known),
        "opening": opening.net,
        **(closing - opening).shown(),
        "closing": closing.net,
    }


def _movements_until(
    connection: Connection, program: Program, times: Times, member_id: str | None
) -> Movements:
    query = select_pairs(program, times)
    if member_id is not None:
        query = query.where(holders.c.holder_id == require_member(connection, program, member_id))
    rows = connection.execute(query)
    # A sum of bigints is a numeric to PostgreSQL.
    return movements_of((Account(row.debit), Account(row.credit), int(row.amount)) for row in rows)
