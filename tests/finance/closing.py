"""Months closed on a till: soft-closed, locked, opened again by two keys, and the packs that they left behind."""

from datetime import date, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import approve
from ledger.finance.checkpoints.signing import Signer
from ledger.finance.months import read_month
from ledger.finance.periods.events import read_pack
from ledger.finance.periods.register import APPROVALS, lock, propose_reopening, require_pack, soft_close
from ledger.ids import show
from tests.finance.reporting import total_up
from tests.till import Till, day


def principal(till: Till, key: str, role: str = "finance") -> Principal:
    """A key of that role."""
    return Principal(key, till.program, role, ROLES[role])


def soft_closed(till: Till, period: str) -> dict[str, Any]:
    """The month, once nothing more is posted into it."""
    by, now = principal(till, "controller"), till.now
    return till.database.run(
        lambda connection: soft_close(connection, till.program, read_month(period), by=by, now=now)
    )


def locked(till: Till, period: str, signer: Signer | None = None) -> dict[str, Any]:
    """The month, once it is frozen."""
    by, now = principal(till, "controller"), till.now
    return till.database.run(
        lambda connection: lock(connection, till.program, read_month(period), by=by, now=now, signer=signer)
    )


def closed(till: Till, *periods: str) -> dict[str, Any]:
    """Months soft-closed and locked, one after another; the pack of the last."""
    for period in periods:
        soft_closed(till, period)
        locked(till, period)
    return pack_of(till, periods[-1])


def reopened(till: Till, period: str) -> dict[str, Any]:
    """The month, once one key has proposed to open it again and another has approved."""
    maker, checker = principal(till, "controller"), principal(till, "director", "approver")

    def work(connection: Connection) -> dict[str, Any]:
        made = propose_reopening(
            connection, till.program, read_month(period), "a mistake", by=maker, now=till.now
        )
        generic = show("apr", made.approval_id)
        return approve(connection, till.program, APPROVALS, generic, by=checker, now=till.now)[1]

    return till.database.run(work)


def pack_of(till: Till, period: str) -> dict[str, Any]:
    """The pack of the month's last lock."""
    pack: dict[str, Any] = orjson.loads(bytes_of_pack(till, period))
    return pack


def bytes_of_pack(till: Till, period: str) -> bytes:
    """The bytes that were hashed."""
    with till.reading() as connection:
        return require_pack(connection, till.program, read_month(period)).encode()


def hash_of_pack(till: Till, period: str) -> bytes:
    """The hash that was kept beside them."""
    with till.reading() as connection:
        found = read_pack(connection, till.program, read_month(period))
    assert found is not None
    return found[1]


def first_days() -> dict[str, date]:
    """The months that ``close_months`` closes, by what they are in the end."""
    return {"locked": date(2026, 1, 1), "reopened": date(2026, 2, 1)}


def close_months(till: Till) -> None:
    """Two months closed with something late between; the second opened again, closed again; totals kept up."""
    till.buy("m-1", 20_000)
    till.at(day(20)).redeem("m-1", 50)
    till.at(day(40)).buy("m-2", 8_000)
    soft_closed(till, "2026-01")
    till.buy("m-1", 3_000, occurred_at=day(25))
    total_up(till)
    locked(till, "2026-01")
    till.at(day(65)).award("m-2", 7)
    closed(till, "2026-02")
    till.at(till.now + timedelta(hours=1))
    reopened(till, "2026-02")
    till.buy("m-2", 1_000, occurred_at=day(45))
    till.at(till.now + timedelta(hours=1))
    closed(till, "2026-02")
    soft_closed_again = till.at(day(95))
    soft_closed(soft_closed_again, "2026-03")
    total_up(till)
