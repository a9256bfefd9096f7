"""The register of policies and estimates: proposed by one key, approved by another, versions that never change.

Neither reaches back: a policy begins with a month in which no purchase has been measured yet, an estimate counts for
months that are not locked. Whoever adds a version locks the program's row first, so versions have no gaps.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from ledger.access.approvals import Approval, Handler, propose_once
from ledger.access.principals import Principal
from ledger.accounts.models import deferral_policies
from ledger.accounts.paging import Page
from ledger.accounts.program import Program
from ledger.errors import PeriodClosed, PolicyInUse
from ledger.finance.deferral.facts import read_estimates, read_policies
from ledger.finance.deferral.policy import plain
from ledger.finance.models import estimates
from ledger.finance.months import month_at, read_month, show_month
from ledger.finance.periods.events import lock_periods, read_events
from ledger.finance.periods.states import first_unlocked
from ledger.finance.totals.reading import Cut, read_contracts
from ledger.ids import new_entry_id
from ledger.ids import show as show_id

ESTIMATE: Final = "estimate"
POLICY: Final = "deferral_policy"
"""The kinds of the proposals."""

_DECIMALS: Final = ("unit_value", "unit_cost", "settlement_price", "tax_rate")


def propose_estimate(
    connection: Connection, program: Program, wanted: Mapping[str, Any], *, by: Principal, now: datetime
) -> Approval:
    """The proposal of an estimate. Refuses months that are locked (``period_closed``), and keys of regions.

    Without ``cohort`` it is for every cohort that has none of its own; without ``applies_from`` it counts from the
    present month on. Locks the program's row.
    """
    lock_periods(connection, program)
    cohort, applies_from = wanted.get("cohort"), wanted.get("applies_from") or month_at(program, now)
    _require_unlocked(connection, program, applies_from)
    content = {
        "cohort": cohort and show_month(cohort),
        "applies_from": show_month(applies_from),
        "expected_redemption": plain(wanted["expected_redemption"]),
        "method": wanted["method"],
        "inputs": wanted.get("inputs") or {},
        "reason": wanted.get("reason", wanted["method"]),
    }
    by.require_region(None)
    return propose_once(connection, program, ESTIMATE, content["cohort"] or "all", content, by=by, now=now)


def record_estimate(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Make the version that was approved. Refuses what was locked meanwhile. Locks the program's row."""
    lock_periods(connection, program)
    applies_from = read_month(content["applies_from"])
    _require_unlocked(connection, program, applies_from)
    version = _next_version(connection, program, estimates)
    connection.execute(
        insert(estimates).values(
            program_id=program.program_id,
            version=version,
            estimate_id=UUID(bytes=(made := new_entry_id())),
            cohort=content["cohort"] and read_month(content["cohort"]),
            applies_from=applies_from,
            expected_redemption=Decimal(content["expected_redemption"]),
            method=content["method"],
            inputs=content["inputs"],
            recorded_at=now,
            reason=content["reason"],
            proposed_by=approval.proposed_by,
            approved_by=approval.decided_by,
        )
    )
    return {"version": version, "estimate_id": show_id("est", made), "applies_from": content["applies_from"]}


def propose_policy(
    connection: Connection, program: Program, wanted: Mapping[str, Any], *, by: Principal, now: datetime
) -> Approval:
    """The proposal of a policy, from the present month on where it names none. Refuses as ``record_policy`` does."""
    lock_periods(connection, program)
    applies_from = wanted.get("applies_from") or month_at(program, now)
    _require_unused(connection, program, applies_from, now)
    content = {
        "method": wanted["method"],
        "applies_from": show_month(applies_from),
        **{name: plain(wanted.get(name)) for name in _DECIMALS},
        "share_decimals": wanted.get("share_decimals"),
        "reason": wanted["reason"],
    }
    content["tax_rate"] = content["tax_rate"] or "0"
    by.require_region(None)
    return propose_once(connection, program, POLICY, content["method"], content, by=by, now=now)


def record_policy(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Make the version that was approved. Locks the program's row.

    Refuses a month in which purchases have been measured by another policy (``policy_in_use``), or that is locked.
    """
    lock_periods(connection, program)
    applies_from = read_month(content["applies_from"])
    _require_unused(connection, program, applies_from, now)
    version = _next_version(connection, program, deferral_policies)
    numbers = {name: content[name] and Decimal(content[name]) for name in _DECIMALS}
    connection.execute(
        insert(deferral_policies).values(
            program_id=program.program_id,
            version=version,
            policy_id=UUID(bytes=new_entry_id()),
            applies_from=applies_from,
            method=content["method"],
            share_decimals=content["share_decimals"],
            recorded_at=now,
            reason=content["reason"],
            proposed_by=approval.proposed_by,
            approved_by=approval.decided_by,
            **numbers,
        )
    )
    return {"version": version, "applies_from": content["applies_from"]}


def list_estimates(connection: Connection, program: Program, now: datetime) -> Page:
    """Every version, newest first."""
    return Page([each.shown() for each in reversed(read_estimates(connection, program, now))], None)


def list_policies(connection: Connection, program: Program, now: datetime) -> Page:
    """Every version, newest first."""
    return Page([each.shown() for each in reversed(read_policies(connection, program, now))], None)


def _require_unlocked(connection: Connection, program: Program, month: date) -> None:
    first = first_unlocked(read_events(connection, program))
    if first is not None and month < first:
        raise PeriodClosed(
            f"{show_month(month)} is locked", period=show_month(month), first_open=show_month(first)
        )


def _require_unused(connection: Connection, program: Program, month: date, now: datetime) -> None:
    _require_unlocked(connection, program, month)
    measured = [row.cohort for row in read_contracts(connection, program, Cut(now, now))]
    if any(cohort >= month for cohort in measured):
        raise PolicyInUse(
            "purchases of that month have been measured already",
            applies_from=show_month(month),
            last_measured=show_month(max(measured)),
        )


def _next_version(connection: Connection, program: Program, table: Any) -> int:
    query = select(func.max(table.c.version)).where(table.c.program_id == program.program_id)
    return (connection.execute(query).scalar_one() or 0) + 1


APPROVALS: Final[Mapping[str, Handler]] = {ESTIMATE: record_estimate, POLICY: record_policy}
"""What carries out the approved proposals of this register."""
