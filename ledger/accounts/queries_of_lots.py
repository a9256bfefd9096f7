"""Reads of lots, for whoever lets the clock go on from what is stored."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, select

from ledger.accounts.lots import Lot
from ledger.accounts.models import lots


def open_lots(connection: Connection, key: UUID) -> list[Lot]:
    """Every lot of a holder that has something left, whatever the clock says."""
    rows = connection.execute(select_lots().where(and_(lots.c.holder_id == key, lots.c.is_open)))
    return [lot_of(row) for row in rows]


def select_lots() -> Select[Any]:
    """The columns of a ``Lot``; add the condition."""
    return select(
        lots.c.lot_id,
        lots.c.unit,
        lots.c.original,
        lots.c.remaining,
        lots.c.earned_at,
        lots.c.available_at,
        lots.c.expires_at,
        lots.c.rolling,
        lots.c.expired,
    )


def lot_of(row: Row[Any]) -> Lot:
    """The lot in a row of ``select_lots``."""
    return Lot(
        row.lot_id.bytes,
        row.unit,
        row.original,
        row.remaining,
        row.earned_at,
        row.available_at,
        row.expires_at,
        row.rolling,
        row.expired,
    )
