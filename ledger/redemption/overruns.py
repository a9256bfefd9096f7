"""What tills took offline and nothing covered: by member, device and local day, for whoever looks after it."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, select

from ledger.accounts.models import holders
from ledger.accounts.program import Program
from ledger.journal.models import usages
from ledger.redemption.offline import OVERRUN

MAX_ROWS = 1_000


def list_overruns(connection: Connection, program: Program, since: date) -> list[dict[str, Any]]:
    """The overruns of local days from ``since`` on, the latest day first; at most 1,000 rows."""
    rows = connection.execute(
        select(
            holders.c.member_id,
            holders.c.debt,
            usages.c.subject,
            usages.c.period,
            usages.c.amount,
            usages.c.times,
        )
        .join_from(usages, holders, holders.c.holder_id == usages.c.holder_id)
        .where(
            and_(
                holders.c.program_id == program.program_id,
                usages.c.subject.like(f"{OVERRUN}%"),
                usages.c.period >= since.isoformat(),
            )
        )
        .order_by(usages.c.period.desc(), usages.c.subject, holders.c.member_id)
        .limit(MAX_ROWS)
    )
    return [
        {
            "member_id": row.member_id,
            "device_id": row.subject.removeprefix(OVERRUN),
            "day": row.period,
            "points": row.amount,
            "times": row.times,
            "debt": row.debt,
        }
        for row in rows
    ]
