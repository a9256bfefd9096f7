"""What of the business is watched at every scrape: what waits to be booked, to be looked at, to be signed.

To show another figure, declare it in ``FIGURES`` and yield it from ``collect``. It is asked for every program at every
scrape, so it is read from totals or by an index, up to a limit.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, func, literal_column, select

from ledger.accounts.models import lots
from ledger.accounts.program import Program
from ledger.finance.checkpoints.models import checkpoints
from ledger.finance.deferral.report import read_book
from ledger.finance.metrics.figures import Declared, Figure
from ledger.finance.metrics.thresholds import Watched
from ledger.finance.metrics.watching import read_watched
from ledger.finance.models import totals_state
from ledger.fx.convert import value_of
from ledger.journal.models import alerts

LIMIT: Final = 10_000
"""Nothing is counted further: whoever sees this number sees at least so many."""

_SECOND: Final = timedelta(seconds=1)

FIGURES: Final[Mapping[str, Declared]] = {
    "ledger_expiry_backlog_lots": Declared(
        f"Lots whose end has come and is not booked yet, up to {LIMIT:,}; nobody can spend them."
    ),
    "ledger_open_alerts": Declared(
        f"Alerts that nobody has acknowledged, by code, up to {LIMIT:,} in all.", ("code",)
    ),
    "ledger_points_outstanding": Declared("Points and held points of members, less what they owe."),
    "ledger_liability_minor_units": Declared(
        "What points are in money: `book`, what the deferral book carries; `face`, all of them at the bid.",
        ("measure", "currency"),
    ),
    "ledger_redemption_ratio": Declared(
        "Points redeemed of points issued, both net, over the window of the alerts; left out where none were issued."
    ),
    "ledger_totals_age_seconds": Declared(
        "Since the totals were last brought up to the books; left out before the first time."
    ),
    "ledger_checkpoint_age_seconds": Declared(
        "Since the last checkpoint was signed; left out before the first."
    ),
}


def collect(connection: Connection, program: Program, system_now: datetime) -> Iterator[Figure]:
    """The program's figures. Times are the program's, so a test clock moves them; but for the age of the totals."""
    now = program.now(system_now)
    yield Figure("ledger_expiry_backlog_lots", _backlog(connection, program, now))
    for code, number in _open_alerts(connection, program):
        yield Figure("ledger_open_alerts", number, {"code": code})
    watched, book = read_watched(connection, program, now), read_book(connection, program, now, now)
    yield Figure("ledger_points_outstanding", watched.outstanding)
    yield _liability("book", program, sum(each.rows.liability for each in book))
    if watched.bid is not None:
        yield _liability("face", program, _face(watched, program.currency))
    if watched.issued > 0:
        yield Figure("ledger_redemption_ratio", Decimal(watched.redeemed) / watched.issued)
    refreshed_at = _last_refresh(connection, program)
    if refreshed_at is not None:
        yield Figure("ledger_totals_age_seconds", max(0, (system_now - refreshed_at) // _SECOND))
    signed_at = _last_checkpoint(connection, program)
    if signed_at is not None:
        yield Figure("ledger_checkpoint_age_seconds", (now - signed_at) // _SECOND)


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


def _liability(measure: str, program: Program, amount: int) -> Figure:
    return Figure("ledger_liability_minor_units", amount, {"measure": measure, "currency": program.currency})


def _last_refresh(connection: Connection, program: Program) -> datetime | None:
    query = select(totals_state.c.refreshed_at).where(totals_state.c.program_id == program.program_id)
    return connection.execute(query).scalar_one_or_none()


def _face(watched: Watched, currency: str) -> int:
    assert watched.bid is not None
    return value_of(max(0, watched.outstanding), watched.bid, currency).amount
