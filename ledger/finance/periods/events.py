"""The events on accounting months, as they are kept: append-only, in the order of their ids."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Text, cast, insert, literal, select
from sqlalchemy.dialects.postgresql import JSON

from ledger.accounts.program import Program
from ledger.accounts.programs import lock_program
from ledger.finance.models import period_events
from ledger.finance.periods.states import PeriodEvent
from ledger.ids import new_entry_id


def lock_periods(connection: Connection, program: Program) -> None:
    """Let nobody else change the months of a program until the end of the transaction. Locks the program's row."""
    lock_program(connection, program)


def read_events(
    connection: Connection, program: Program, known_as_of: datetime | None = None
) -> list[PeriodEvent]:
    """The events of a program's months, oldest first; those that were known."""
    query = (
        select(*(period_events.c[name] for name in PeriodEvent._fields))
        .where(period_events.c.program_id == program.program_id)
        .order_by(period_events.c.event_id)
    )
    if known_as_of is not None:
        query = query.where(period_events.c.recorded_at <= known_as_of)
    return [
        PeriodEvent(*row)._replace(
            event_id=row.event_id.bytes, pack_hash=row.pack_hash and bytes(row.pack_hash)
        )
        for row in connection.execute(query)
    ]


def add_event(
    connection: Connection,
    program: Program,
    period: date,
    status: str,
    now: datetime,
    by: str,
    **more: Any,
) -> PeriodEvent:
    """Record what has become of a month; ``more`` are the further columns. ``pack`` is the text of a pack."""
    event_id = new_entry_id()
    if "pack" in more:
        # As text, so that the bytes that were hashed are the bytes that are kept.
        more["pack"] = cast(literal(more["pack"], Text), JSON)
    connection.execute(
        insert(period_events).values(
            program_id=program.program_id,
            event_id=UUID(bytes=event_id),
            period=period,
            status=status,
            recorded_at=now,
            changed_by=by,
            **more,
        )
    )
    return read_events(connection, program)[-1]


def read_pack(connection: Connection, program: Program, period: date) -> tuple[str, bytes] | None:
    """The text of the pack of a month's last lock, and its hash; None where it never was locked."""
    row = connection.execute(
        select(cast(period_events.c.pack, Text).label("pack"), period_events.c.pack_hash)
        .where(
            period_events.c.program_id == program.program_id,
            period_events.c.period == period,
            period_events.c.pack_hash.is_not(None),
        )
        .order_by(period_events.c.event_id.desc())
        .limit(1)
    ).one_or_none()
    return (row.pack, bytes(row.pack_hash)) if row else None
