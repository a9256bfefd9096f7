"""Reads behind the explanations: a purchase with all that came of it, and the growth that counts now.

Nothing is worked out anew: awards are told as they were recorded, amounts are summed from the postings and
the lots, so what is explained is what stands in the books.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from ledger.accounts.chart import Account, Unit
from ledger.accounts.lots import Lot
from ledger.accounts.models import holders, holds, lots, reviews, rule_activations
from ledger.accounts.paging import DEFAULT_LIMIT, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.accounts.queries_of_lots import lot_of, select_lots
from ledger.errors import PurchaseUnknown
from ledger.ids import MAX_LOTS_PER_ENTRY, entry_of_lot
from ledger.journal.models import business_references, entries, postings
from ledger.rules.growth_explanation import Counted, Leaving, Window
from ledger.rules.names import Names
from ledger.rules.purchase_explanation import Bought, Entry, Moved, Reviewed, RuleSetVersion, Taken

_GROWTH_LIST = b"G"
_ENTRY_ID_BYTES = 16


def read_bought(connection: Connection, program: Program, purchase_id: str) -> Bought:
    """A purchase of the program with its lots, what became of them, and what was taken back since.

    Refuses a purchase that is not in the books (``purchase_unknown``).
    """
    row = connection.execute(
        _ENTRY.add_columns(entries.c.holder_id, holders.c.member_id)
        .join_from(
            business_references,
            entries,
            and_(
                entries.c.entry_id == business_references.c.entry_id,
                entries.c.holder_id == business_references.c.holder_id,
            ),
        )
        .join(holders, holders.c.holder_id == entries.c.holder_id)
        .where(
            business_references.c.program_id == program.program_id,
            business_references.c.kind == "purchase",
            business_references.c.reference == purchase_id,
        )
    ).one_or_none()
    if row is None:
        raise PurchaseUnknown(f"there is no purchase {purchase_id}", purchase_id=purchase_id)
    entry = _entry(row)
    issued, repaid = _issued(connection, row.holder_id, entry)
    return Bought(
        row.member_id,
        entry,
        _rule_sets(connection, program, entry),
        issued,
        repaid,
        _lots_of(connection, row.holder_id, entry.entry_id, entry.entry_id),
        _moved(connection, row.holder_id, entry),
        _taken(connection, row.holder_id, entry.entry_id),
        _reviewed(connection, row.holder_id, entry.entry_id),
    )


_ENTRY: Select[Any] = select(
    entries.c.entry_id,
    entries.c.version,
    entries.c.kind,
    entries.c.effective_at,
    entries.c.recorded_at,
    entries.c.terms_version,
    entries.c.reference,
    entries.c.region,
    entries.c.details,
)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.entry_id.bytes,
        row.version,
        row.kind,
        row.effective_at,
        row.recorded_at,
        row.terms_version,
        row.reference,
        row.region,
        row.details or {},
    )


def _rule_sets(connection: Connection, program: Program, entry: Entry) -> list[RuleSetVersion]:
    """Whose rules judged an entry, in which version: those in force then, as far as was known when it was recorded."""
    judged_at = Names(program).judged_at(entry.terms_version, entry.effective_at, entry.recorded_at)
    table = rule_activations.c
    query = (
        select(table.owner, table.version)
        .where(
            table.program_id == program.program_id,
            table.owner.in_(("", entry.region or "")),
            table.recorded_at <= entry.recorded_at,
            table.active_from <= judged_at,
        )
        .order_by(table.owner, table.active_from, table.activation_id)
    )
    # Of an owner's that have begun, the last one counts.
    return list({row.owner: RuleSetVersion(*row) for row in connection.execute(query)}.values())


def _issued(connection: Connection, holder: UUID, entry: Entry) -> tuple[dict[Unit, int], int]:
    issued, repaid = dict.fromkeys(Unit, 0), 0
    query = select(postings.c.debit, postings.c.credit, postings.c.amount)
    query = query.where(postings.c.entry_id == UUID(bytes=entry.entry_id), postings.c.holder_id == holder)
    for debit, credit, amount in connection.execute(query):
        if debit == Account.ISSUED:
            issued[Unit.POINT] += amount
        elif debit == Account.GROWTH_ISSUED:
            issued[Unit.GROWTH] += amount
        elif credit == Account.DEBT:
            repaid += amount
    return issued, repaid


def _moved(connection: Connection, holder: UUID, entry: Entry) -> list[Moved]:
    """What moved the lots of an entry after they were opened. Only what is later can have moved them."""
    # Only a hold for a review follows an entry.
    is_review = and_(entries.c.kind == "hold", entries.c.parent_entry_id.is_not(None))
    kind = case((is_review, "review"), else_=entries.c.kind)
    query = (
        select(
            postings.c.lot_id,
            kind,
            postings.c.debit,
            postings.c.credit,
            func.sum(postings.c.amount),
            func.min(entries.c.effective_at),
            func.max(entries.c.effective_at),
        )
        .join_from(
            entries,
            postings,
            and_(postings.c.entry_id == entries.c.entry_id, postings.c.holder_id == entries.c.holder_id),
        )
        .where(
            entries.c.holder_id == holder,
            entries.c.version >= entry.version,
            _of_entries(postings.c.lot_id, entry.entry_id, entry.entry_id),
            postings.c.available_at.is_(None),
        )
        .group_by(postings.c.lot_id, kind, postings.c.debit, postings.c.credit)
        .order_by(postings.c.lot_id, func.min(entries.c.effective_at), kind)
    )
    return [
        Moved(lot.bytes, kind, Account(debit), Account(credit), int(amount), first_at, last_at)
        for lot, kind, debit, credit, amount, first_at, last_at in connection.execute(query)
    ]


def _taken(connection: Connection, holder: UUID, entry_id: bytes) -> list[Taken]:
    """The returns of a purchase, its reversal and its rejection, oldest first, with what each took back."""

    def taken(account: Account, *, debit: Account | None = None) -> Any:
        condition = postings.c.credit == account
        if debit is not None:
            condition = and_(condition, postings.c.debit == debit)
        return func.coalesce(func.sum(postings.c.amount).filter(condition), 0)

    query = (
        _ENTRY.add_columns(
            taken(Account.ISSUED).label("points"),
            taken(Account.GROWTH_ISSUED).label("growth"),
            taken(Account.ISSUED, debit=Account.DEBT).label("shortfall"),
        )
        .join_from(
            entries,
            postings,
            and_(postings.c.entry_id == entries.c.entry_id, postings.c.holder_id == entries.c.holder_id),
            isouter=True,
        )
        .where(
            entries.c.parent_entry_id == UUID(bytes=entry_id),
            entries.c.holder_id == holder,
            entries.c.kind.in_(("return", "reversal", "reject")),
        )
        .group_by(entries.c.entry_id, entries.c.holder_id)
        .order_by(entries.c.version)
    )
    return [
        Taken(_entry(row), int(row.points), int(row.growth), int(row.shortfall))
        for row in connection.execute(query)
    ]


def _reviewed(connection: Connection, holder: UUID, entry_id: bytes) -> Reviewed | None:
    """What was held of a purchase's points for review; None where nothing was."""
    query = (
        select(holds.c.hold_id, holds.c.points, holds.c.status, holds.c.expires_at, reviews.c.decision)
        .join_from(
            entries,
            holds,
            and_(holds.c.hold_id == entries.c.entry_id, holds.c.holder_id == entries.c.holder_id),
        )
        .join(reviews, and_(reviews.c.hold_id == holds.c.hold_id, reviews.c.holder_id == holds.c.holder_id))
        .where(
            entries.c.parent_entry_id == UUID(bytes=entry_id),
            entries.c.holder_id == holder,
            entries.c.kind == "hold",
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Reviewed(row.hold_id.bytes, row.points, row.decision or row.status, row.expires_at)


# --- growth ------------------------------------------------------------------------------------------


def read_window(
    connection: Connection,
    program: Program,
    member_id: str,
    now: datetime,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Window:
    """A member's growth that counts at ``now``, whether or not a sweep has booked what no longer does.

    The entries come newest first, by when they were recorded. Refuses an unknown member
    (``member_unknown``) and a cursor of another list.
    """
    key = require_member(connection, program, member_id)
    counting = and_(
        lots.c.holder_id == key,
        lots.c.is_open,
        lots.c.unit == Unit.GROWTH,
        or_(lots.c.expires_at.is_(None), lots.c.expires_at > now),
    )
    leaving = [
        Leaving(at, int(growth))
        for at, growth in connection.execute(
            select(lots.c.expires_at, func.sum(lots.c.remaining))
            .where(counting)
            .group_by(lots.c.expires_at)
            .order_by(lots.c.expires_at.asc().nulls_last())
        )
    ]
    found, next_cursor = _entries_that_count(connection, counting, limit, cursor)
    return Window(leaving, _counted(connection, key, counting, found), next_cursor)


def _entries_that_count(
    connection: Connection, counting: Any, limit: int, cursor: str | None
) -> tuple[list[bytes], str | None]:
    """The ids of a page of entries whose growth counts, newest first, and the way to the next page."""
    # A lot's id is its entry's with a number in the last two bytes.
    stem = func.substring(func.uuid_send(lots.c.lot_id), 1, 14)
    query = select(stem).where(counting).distinct().order_by(stem.desc()).limit(limit + 1)
    if cursor is not None:
        before = read_cursor(_GROWTH_LIST, cursor, _ENTRY_ID_BYTES)
        query = query.where(lots.c.lot_id < UUID(bytes=before))
    found = [bytes(each) + b"\0\0" for each in connection.execute(query).scalars()]
    return found[:limit], write_cursor(_GROWTH_LIST, found[limit - 1]) if len(found) > limit else None


def _counted(connection: Connection, key: UUID, counting: Any, found: list[bytes]) -> list[Counted]:
    if not found:
        return []
    lots_of: dict[bytes, list[Lot]] = {entry_id: [] for entry_id in found}
    for lot in _lots_of(connection, key, found[-1], found[0], counting):
        lots_of[entry_of_lot(lot.lot_id)].append(lot)
    query = _ENTRY.where(
        entries.c.holder_id == key, entries.c.entry_id.in_([UUID(bytes=entry_id) for entry_id in found])
    )
    told = {entry.entry_id: entry for entry in map(_entry, connection.execute(query))}
    return [Counted(told[entry_id], lots_of[entry_id]) for entry_id in found]


# --- lots --------------------------------------------------------------------------------------------


def _of_entries(lot: ColumnElement[Any], first: bytes, last: bytes) -> ColumnElement[bool]:
    """Whether a lot was opened by one of the entries from one to another."""
    return lot.between(UUID(bytes=first), UUID(bytes=last[:14] + MAX_LOTS_PER_ENTRY.to_bytes(2, "big")))


def _lots_of(connection: Connection, holder: UUID, first: bytes, last: bytes, *conditions: Any) -> list[Lot]:
    """The holder's lots that were opened by the entries from one to another, in the order of their ids."""
    query = select_lots().where(
        lots.c.holder_id == holder, _of_entries(lots.c.lot_id, first, last), *conditions
    )
    return [lot_of(row) for row in connection.execute(query.order_by(lots.c.lot_id))]
