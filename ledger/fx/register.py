"""The register of rates: what one key proposes and another approves becomes the next version, and never changes.

A version is never in force before its approval. Versions have no gaps: whoever adds one locks the program's row first,
and gives the program a new stamp, so that the next posting or quote goes by it.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Select, insert, select

from ledger.access.approvals import Approval, Handler, propose_once
from ledger.access.principals import Principal
from ledger.accounts.models import rates
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program, RateVersion, Rules
from ledger.accounts.programs import touch
from ledger.clock import show
from ledger.errors import ActiveFromPast
from ledger.fx.rates import (
    faults_of_form,
    next_change,
    rate_at,
    require_fitting,
    require_rate_of,
    show_rate,
)
from ledger.http.operations import invalid
from ledger.ids import new_entry_id
from ledger.rules.register import locked_rules, present_rules

KIND: Final = "rate"
"""The kind of the proposals of a version."""

BAND_CONTROLLER: Final = "band-controller"
"""Who proposes the versions that the band controller records by itself."""

_LIST: Final = b"F"
_VERSION_BYTES: Final = 4


def propose_rate(
    connection: Connection, program: Program, wanted: Mapping[str, Any], *, by: Principal, now: datetime
) -> Approval:
    """The proposal of a version: ``rate`` and ``reason``, and ``ask``, bounds, ``max_step``, ``valid_from`` at will.

    What is left out is filled in here, so that whoever approves sees the whole of it: the ask is the rate, the rest is
    as in the version in force when this one would begin. A proposal of the same that still waits is the answer, rather
    than a second one. Refuses keys of regions (``other_region``), a time that has passed (``active_from_past``), what
    no rate may be (``invalid_request``), and what ``require_fitting`` refuses. Locks the program's row.
    """
    by.require_region(None)
    rules = locked_rules(connection, program)
    valid_from = wanted.get("valid_from")
    if valid_from is not None and valid_from < now:
        raise ActiveFromPast("rates come into force now or later", active_from=valid_from, now=now)
    new = _filled(rules, wanted, valid_from or now, now)
    _require_sound(program, rules, new)
    content = {
        **_terms_of(new),
        "valid_from": show(valid_from) if valid_from else None,
        "reason": wanted["reason"],
    }
    return propose_once(connection, program, KIND, content["rate"], content, by=by, now=now)


def record_approved(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Make the version that was approved; it begins now or later, however long the proposal has waited.

    Refuses what the versions that were made meanwhile no longer allow, as the proposal would be. Locks the program's
    row.
    """
    rules = locked_rules(connection, program)
    wanted = content["valid_from"]
    new = RateVersion(
        version=_next_version(rules),
        valid_from=max(now, datetime.fromisoformat(wanted)) if wanted else now,
        recorded_at=now,
        bid=Decimal(content["rate"]),
        **{name: Decimal(content[name]) for name in ("ask", "floor", "ceiling", "max_step")},
    )
    _require_sound(program, rules, new)
    assert approval.decided_by is not None
    return record(connection, program, new, content["reason"], approval.proposed_by, approval.decided_by)


def record(
    connection: Connection,
    program: Program,
    new: RateVersion,
    reason: str,
    proposed_by: str,
    approved_by: str,
) -> dict[str, Any]:
    """Write a version that fits, and let the next posting know. The program's row must be locked."""
    values = {**new._asdict(), "reason": reason, "proposed_by": proposed_by, "approved_by": approved_by}
    made = UUID(bytes=new_entry_id())
    connection.execute(insert(rates).values(program_id=program.program_id, rate_id=made, **values))
    touch(connection, program.program_id)
    return {"version": new.version, "rate": show_rate(new.bid), "valid_from": show(new.valid_from)}


def successor(program: Program, rules: Rules, bid: Decimal, now: datetime) -> RateVersion:
    """The next version, beginning now: as the one in force but for its bid. The ask stays, unless the bid passes it.

    Refuses what ``require_fitting`` refuses.
    """
    present = require_rate_of(rules, now)
    new = present._replace(
        version=_next_version(rules), valid_from=now, recorded_at=now, bid=bid, ask=max(bid, present.ask)
    )
    _require_sound(program, rules, new)
    return new


def show_current(rules: Rules, program: Program, now: datetime) -> dict[str, Any]:
    """The rate in force, and when the next one begins. ``rate_unknown`` where none is in force."""
    present = require_rate_of(rules, now)
    following = next_change(rules.rates, now)
    return {
        **_terms_of(present),
        "currency": program.currency,
        "version": present.version,
        "valid_from": show(present.valid_from),
        "next_change": show(following) if following else None,
    }


def list_rates(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """All versions, newest first, each with the word of who proposed and approved it."""
    query = _select(program)
    if cursor is not None:
        before = int.from_bytes(read_cursor(_LIST, cursor, _VERSION_BYTES))
        query = query.where(rates.c.version < before)
    # One more than asked for tells whether there are more.
    found = connection.execute(query.order_by(rates.c.version.desc()).limit(limit + 1)).all()
    present = rate_at(present_rules(connection, program).rates, now)
    items = [_shown(row, program, present) for row in found[:limit]]
    last = found[limit - 1].version.to_bytes(_VERSION_BYTES) if len(found) > limit else None
    return Page(items, write_cursor(_LIST, last) if last else None)


def _filled(rules: Rules, wanted: Mapping[str, Any], valid_from: datetime, now: datetime) -> RateVersion:
    present = require_rate_of(rules, valid_from)
    return RateVersion(
        version=_next_version(rules),
        valid_from=valid_from,
        recorded_at=now,
        bid=wanted["rate"],
        ask=wanted.get("ask", wanted["rate"]),
        floor=wanted.get("floor", present.floor),
        ceiling=wanted.get("ceiling", present.ceiling),
        max_step=wanted.get("max_step", present.max_step),
    )


def _require_sound(program: Program, rules: Rules, new: RateVersion) -> None:
    faults = faults_of_form(new, program.currency)
    if faults:
        raise invalid([{"field": field, "message": message} for field, message in faults])
    require_fitting(rules.rates, new)


def _next_version(rules: Rules) -> int:
    return max((each.version for each in rules.rates), default=0) + 1


def _terms_of(rate: RateVersion) -> dict[str, str]:
    return {
        "rate": show_rate(rate.bid),
        "ask": show_rate(rate.ask),
        "floor": show_rate(rate.floor),
        "ceiling": show_rate(rate.ceiling),
        "max_step": show_rate(rate.max_step),
    }


def _select(program: Program) -> Select[Any]:
    told = (rates.c.reason, rates.c.proposed_by, rates.c.approved_by)
    columns = [rates.c[name] for name in RateVersion._fields]
    return select(*columns, *told).where(rates.c.program_id == program.program_id)


def _shown(row: Row[Any], program: Program, present: RateVersion | None) -> dict[str, Any]:
    version = RateVersion(*row[: len(RateVersion._fields)])
    return {
        **_terms_of(version),
        "currency": program.currency,
        "version": version.version,
        "valid_from": show(version.valid_from),
        "recorded_at": show(version.recorded_at),
        "is_current": present is not None and present.version == version.version,
        "reason": row.reason,
        "proposed_by": row.proposed_by,
        "approved_by": row.approved_by,
    }


APPROVALS: Final[Mapping[str, Handler]] = {KIND: record_approved}
"""What carries out the approved proposals of this register."""
