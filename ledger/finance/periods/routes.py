"""Routes of accounting months: closed one after another, opened again by two keys, and the packs of their closes."""

from datetime import date
from typing import Any

from flask import Response
from sqlalchemy import Connection

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import page_of
from ledger.finance.checkpoints.signing import find_signer
from ledger.finance.periods.events import lock_periods
from ledger.finance.periods.register import (
    list_periods,
    lock,
    propose_reopening,
    require_pack,
    show_period,
    soft_close,
)
from ledger.finance.periods.rendering import PACK_TYPES, pack_answer
from ledger.finance.periods.schemas import (
    ClosePackSchema,
    PackQuery,
    PeriodPath,
    PeriodSchema,
    ReopeningSchema,
)
from ledger.finance.rendering import JSON_FORM
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes("Periods", "Accounting months: open, soft-closed, locked; what a lock froze, and its hash.")

_WRITES = (errors.OtherRegion, errors.PeriodOutOfTurn, errors.OutcomeUnknown)


@routes.get("/v1/periods", scope="finance", answer=page_of(PeriodSchema))
def list_accounting_months(call: Call) -> dict[str, Any]:
    """List the months that anything was done to, newest first; all of them."""
    with call.database.read() as connection:
        return {"data": list_periods(connection, call.program), "next_cursor": None}


@routes.get("/v1/periods/<period>", scope="finance", schema=PeriodPath, answer=PeriodSchema)
def show_accounting_month(call: Call, period: date) -> dict[str, Any]:
    """Show a month. One that nothing was done to is open, or closed with a month after it."""
    with call.database.read() as connection:
        return show_period(connection, call.program, period)


@routes.post(
    "/v1/periods/<period>/soft-close",
    scope="close",
    schema=PeriodPath,
    answer=PeriodSchema,
    refusals=_WRITES,
    is_body_optional=True,
)
def soft_close_month(call: Call, period: date) -> dict[str, Any]:
    """Soft-close a month.

    It must be the first open one, and be over. Whatever is posted from now on and happened in it is booked in the
    month after; estimates still reach it.
    """

    def work(connection: Connection) -> dict[str, Any]:
        lock_periods(connection, call.program)
        return soft_close(connection, call.program, period, by=call.principal, now=call.now)

    return call.database.run(work)


@routes.post(
    "/v1/periods/<period>/lock",
    scope="close",
    schema=PeriodPath,
    answer=PeriodSchema,
    refusals=_WRITES,
    is_body_optional=True,
)
def lock_month(call: Call, period: date) -> dict[str, Any]:
    """Lock a month that is soft-closed.

    Freezes its balances, and keeps the pack of the close under a hash that covers the month before as well.
    """
    signer = find_signer(call.services.settings)

    def work(connection: Connection) -> dict[str, Any]:
        lock_periods(connection, call.program)
        return lock(connection, call.program, period, by=call.principal, now=call.now, signer=signer)

    return call.database.run(work)


@routes.post(
    "/v1/periods/<period>/reopen",
    scope="close",
    schema=ReopeningSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=_WRITES,
)
def propose_to_reopen_month(call: Call, period: date, reason: str) -> dict[str, Any]:
    """Propose to open the last closed month again.

    Another key approves it at `/v1/approvals/{approval_id}/approve`. The packs that its closes left stay.
    """
    made = call.database.run(
        lambda connection: propose_reopening(
            connection, call.program, period, reason, by=call.principal, now=call.now
        )
    )
    return made.shown()


@routes.get(
    "/v1/periods/<period>/pack",
    scope="finance",
    schema=PackQuery,
    answer=ClosePackSchema,
    answer_types=PACK_TYPES,
    refusals=(errors.PackUnknown,),
)
def show_close_pack(call: Call, period: date, format: str = JSON_FORM) -> Response:  # noqa: A002 -- as in the query
    """Show the pack of a month's last lock.

    As JSON it is the very bytes whose SHA-256 is `pack_hash`. As CSV its tables; as HTML a page to print and sign.
    """
    with call.database.read() as connection:
        return pack_answer(require_pack(connection, call.program, period), format)
