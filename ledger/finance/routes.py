"""Routes of the reports, for those who keep the books of the program."""

from datetime import UTC, datetime
from typing import Any

from ledger import errors
from ledger.finance.roll_forward import read_roll_forward
from ledger.finance.schemas import (
    RollForwardQuery,
    RollForwardSchema,
    TrialBalanceQuery,
    TrialBalanceSchema,
)
from ledger.finance.trial_balance import read_trial_balance
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.journal.history import times_of

routes = Routes("Reports", "Summed from the postings; the same for the same times, whatever arrives later.")

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""No event is older: no request may say so."""


@routes.get(
    "/v1/reports/trial-balance",
    scope="finance",
    schema=TrialBalanceQuery,
    answer=TrialBalanceSchema,
)
def show_trial_balance(
    call: Call, as_of: datetime | None = None, known_as_of: datetime | None = None
) -> dict[str, Any]:
    """Show the trial balance.

    Every account of the chart with its debits and credits, unit by unit, as of two times.
    """
    times = times_of(as_of, known_as_of, call.now)
    with call.database.read() as connection:
        return read_trial_balance(connection, call.program, times).shown()


@routes.get(
    "/v1/reports/points-roll-forward",
    scope="finance",
    schema=RollForwardQuery,
    answer=RollForwardSchema,
    refusals=(errors.MemberUnknown,),
)
def show_roll_forward(
    call: Call, known_as_of: datetime | None = None, member_id: str | None = None, **period: datetime
) -> dict[str, Any]:
    """Show how the outstanding points moved.

    From just after `from` up to and including `to`: points that end with a month are gone at the first
    instant of the next, and belong to the month that they end with. Opening and movements give the closing
    balance, which is the trial balance's points and held points less debt.
    """
    start, end = period.get("from", BEGINNING), period.get("to", call.now)
    with call.database.read() as connection:
        return read_roll_forward(connection, call.program, start, end, known_as_of, call.now, member_id)
