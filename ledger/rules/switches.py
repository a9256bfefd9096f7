"""The kill switch: a rule or a campaign goes off in one call, and comes back in another.

A switch needs no second key and no new version, because what does harm must stop at once. It turns a code off
wherever it is in force, now and later, until it is turned on again. Each turn is kept, with its reason.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, text

from ledger.access.principals import Principal
from ledger.accounts.models import rule_switches
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.accounts.programs import touch
from ledger.clock import show
from ledger.errors import CampaignUnknown, RuleUnknown
from ledger.rules.ownership import BASE, owner_of
from ledger.rules.register import locked_rules

RULE: Final = "rule"
CAMPAIGN: Final = "campaign"

_LISTED: Final = {RULE: "rules", CAMPAIGN: "campaigns"}

# Who has the code in any version, and whether in one that was ever put in force.
_OWNERS: Final = text(
    """
    SELECT owner, bool_or(EXISTS (
        SELECT FROM rule_activations
        WHERE (rule_activations.program_id, rule_activations.owner, rule_activations.version)
            = (rule_sets.program_id, rule_sets.owner, rule_sets.version)
    )) AS was_active
    FROM rule_sets, LATERAL json_array_elements(content -> :listed) AS each
    WHERE program_id = :program_id AND each ->> 'code' = :code
    GROUP BY owner
    """
)


def switch(
    connection: Connection,
    program: Program,
    kind: str,
    code: str,
    *,
    on: bool,
    reason: str,
    by: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Turn a rule or a campaign on or off, from the next posting on. What is so already stays as it was.

    Refuses a code that no version of any rules has (``rule_unknown``, ``campaign_unknown``), and for the key of
    a region what is not that region's alone (``other_region``). Locks the program's row.
    """
    locked_rules(connection, program)
    _require_known(connection, program, kind, code, by)
    return turn(connection, program, kind, code, on=on, reason=reason, by=by.key_id, now=now)


def turn(
    connection: Connection,
    program: Program,
    kind: str,
    code: str,
    *,
    on: bool,
    reason: str,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Record a turn of a switch, or leave it as it stands when it stands so. The program's row must be locked."""
    present = _present(connection, program, kind, code)
    if present is not None and present["on"] == on:
        return present
    connection.execute(
        insert(rule_switches).values(
            program_id=program.program_id,
            kind=kind,
            code=code,
            is_on=on,
            reason=reason,
            switched_by=by,
            recorded_at=now,
        )
    )
    touch(connection, program.program_id)
    made = _present(connection, program, kind, code)
    assert made is not None
    return made


def _require_known(connection: Connection, program: Program, kind: str, code: str, by: Principal) -> None:
    named = {"listed": _LISTED[kind], "program_id": program.program_id, "code": code}
    owners = {row.owner: row.was_active for row in connection.execute(_OWNERS, named)}
    if kind == RULE and code == BASE:
        # Where no rule set is in force, the rates of the terms are rules of this name.
        owners.setdefault(HEADQUARTERS, True)
    if not owners:
        unknown = {RULE: RuleUnknown, CAMPAIGN: CampaignUnknown}[kind]
        raise unknown(f"no rule set has a {kind} {code}", **{kind: code})
    own = owner_of(by.region)
    others = [owner for owner, was_active in owners.items() if owner != own and was_active]
    if own not in owners or others:
        # Headquarters may switch whatever there is.
        by.require_region(None)


def _present(connection: Connection, program: Program, kind: str, code: str) -> dict[str, Any] | None:
    row = connection.execute(
        select(rule_switches)
        .where(
            rule_switches.c.program_id == program.program_id,
            rule_switches.c.kind == kind,
            rule_switches.c.code == code,
        )
        .order_by(rule_switches.c.switch_id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return {
        "kind": kind,
        "code": code,
        "on": row.is_on,
        "reason": row.reason,
        "switched_by": row.switched_by,
        "switched_at": show(row.recorded_at),
    }
