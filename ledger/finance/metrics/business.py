"""What of the business is watched at every scrape: what waits to be booked, to be looked at, to be signed.

To show another figure, declare it in ``FIGURES`` and yield it from ``collect``. It is asked for every program at every
scrape, so it is read from totals or by an index, up to a limit.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, literal_column, select

from ledger.accounts.models import lots
from ledger.accounts.program import Program
from ledger.finance.checkpoints.models import checkpoints
from ledger.finance.metrics.figures import Declared, Figure
from ledger.journal.models import alerts

LIMIT: Final = 10_000
"""Nothing is counted further: whoever sees this number sees at least so many."""

FIGURES: Final[Mapping[str, Declared]] = {
    "ledger_expiry_backlog_lots": Declared(
        f"Lots whose end has come and is not booked yet, up to {LIMIT:,}; nobody can spend them."
    ),
    "ledger_open_alerts": Declared(
        f"Alerts that nobody has acknowledged, by code, up to {LIMIT:,} in all.", ("code",)
    ),
    "ledger_checkpoint_age_seconds": Declared(
        "Since the last checkpoint was signed; left out before the first."
    ),
}


def collect(connection: Connection, program: Program, now: datetime) -> Iterator[Figure]:
    """The program's figures. Times are the program's, so a test clock moves them."""
    yield Figure("ledger_expiry_backlog_lots", _backlog(connection, program, now))
    for code, number in _open_alerts(connection, program):
        yield Figure("ledger_open_alerts", number, {"code": code})
    signed_at = _last_checkpoint(connection, program)
    if signed_at is not None:
        yield Figure("ledger_checkpoint_age_seconds", (now - signed_at).total_seconds())


def _backlog(connection: Connection, program: Program, now: datetime) -> int:
    due = (
        select(literal_column("1"))
        .select_from(lots)
        .where(lots.c.program_id == program.program_id, lots.c.is_open, lots.c.expires_at <= now)
        .limit(LIMIT)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(due)).scalar_one()


def _open_alerts(connection: Connection, program: Program) -> list[tuple[str, int]]:
    waiting = (
        select(alerts.c.code)
        .where(alerts.c.program_id == program.program_id, alerts.c.acknowledged_at.is_(None))
        .limit(LIMIT)
        .subquery()
    )
    query = select(waiting.c.code, func.count()).group_by(waiting.c.code).order_by(waiting.c.code)
    return [(code, number) for code, number in connection.execute(query)]


def _last_checkpoint(connection: Connection, program: Program) -> datetime | None:
    # By the number, which has an index: the last one is the newest.
    query = (
        select(checkpoints.c.made_at)
        .where(checkpoints.c.program_id == program.program_id)
        .order_by(checkpoints.c.number.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()
