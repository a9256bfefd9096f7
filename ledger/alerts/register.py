"""The register of alerts: each code and subject is raised once; acknowledging is noted and removes nothing."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Text, cast, literal, select, update
from sqlalchemy.dialects.postgresql import JSON, insert

from ledger.access.principals import Principal
from ledger.accounts.listing import newest_rows
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.alerts.words import told
from ledger.clock import show
from ledger.errors import AlertUnknown
from ledger.ids import new_entry_id
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal.commands import Alert
from ledger.journal.models import alerts

_LIST = b"W"


def raise_alert(connection: Connection, program: Program, alert: Alert, now: datetime) -> bool:
    """Raise an alert outside of a posting; whether it is the first of its code and subject."""
    made = connection.execute(
        insert(alerts)
        .values(
            program_id=program.program_id,
            alert_id=UUID(bytes=new_entry_id()),
            code=alert.code,
            subject=alert.subject,
            details=cast(literal(json.dumps(alert.details), Text), JSON),
            raised_at=now,
        )
        .on_conflict_do_nothing()
        .returning(alerts.c.alert_id)
    ).first()
    return made is not None


def list_alerts(
    connection: Connection,
    program: Program,
    *,
    acknowledged: bool | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The program's alerts, newest first; those that are acknowledged, or are not, where it is given."""
    query = _select(program)
    if acknowledged is not None:
        has_been = alerts.c.acknowledged_at.is_not(None)
        query = query.where(has_been if acknowledged else ~has_been)
    rows, more = newest_rows(connection, query, alerts.c.alert_id, _LIST, limit=limit, cursor=cursor)
    return Page([_shown(row) for row in rows], more)


def acknowledge(
    connection: Connection, program: Program, alert_id: str, note: str, *, by: Principal, now: datetime
) -> dict[str, Any]:
    """Note who has looked at an alert; the first time stays. ``alert_unknown`` for one that is not there."""
    identifier = read_id("alr", alert_id)
    key = UUID(bytes=identifier) if identifier else None
    if key is not None:
        connection.execute(
            update(alerts)
            .where(
                alerts.c.program_id == program.program_id,
                alerts.c.alert_id == key,
                alerts.c.acknowledged_at.is_(None),
            )
            .values(acknowledged_at=now, acknowledged_by=by.key_id, note=note)
        )
    row = connection.execute(_select(program).where(alerts.c.alert_id == key)).one_or_none()
    if row is None:
        raise AlertUnknown(f"there is no alert {alert_id}", alert_id=alert_id)
    return _shown(row)


def _select(program: Program) -> Select[Any]:
    return select(alerts).where(alerts.c.program_id == program.program_id)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "alert_id": show_id("alr", row.alert_id.bytes),
        "code": row.code,
        "subject": row.subject,
        "details": row.details,
        "text": told(row.code, row.details),
        "raised_at": show(row.raised_at),
        "acknowledged_at": row.acknowledged_at and show(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
        "note": row.note,
    }
