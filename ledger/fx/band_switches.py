"""The switches of the band controller: it goes off in one call, and changes rates by itself only by two more keys.

- ``controller`` off is the kill switch: nothing is recommended, and automatic changes end for good.
- ``changes`` off freezes the rate: what is recommended is the rate in force.
- ``auto`` on lets the controller record rates. Off takes one call; on takes a proposal and two approvals, by three
  different keys. The second approval is a proposal of its own, made when the first is carried out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from ledger.access.approvals import PENDING, Approval, Handler, approvals_of, propose, require_approval
from ledger.access.principals import Principal
from ledger.accounts.models import rule_switches
from ledger.accounts.program import Program, Rules
from ledger.clock import show
from ledger.errors import BandSwitchedOff, SelfApproval
from ledger.fx.band_settings import band_of
from ledger.ids import show as show_id
from ledger.rules.register import locked_rules
from ledger.rules.switches import turn

KIND: Final = "band"
"""The kind of the rows of these switches."""

CONTROLLER: Final = "controller"
CHANGES: Final = "changes"
AUTO: Final = "auto"
CODES: Final = (CONTROLLER, CHANGES, AUTO)

FIRST: Final = "band_auto"
SECOND: Final = "band_auto_second"
"""The kinds of the two proposals that turn ``auto`` on."""

_ON_AT_FIRST: Final = frozenset({CONTROLLER, CHANGES})


def is_on(rules: Rules, code: str) -> bool:
    """Whether a switch is on; before anybody has turned it, all but ``auto`` are."""
    return rules.band.get(code, code in _ON_AT_FIRST)


def is_auto(program: Program, rules: Rules) -> bool:
    """Whether the controller may record rates: the terms allow it, two approvals did so too, and it is not off."""
    return band_of(program).mode == "auto" and is_on(rules, AUTO) and is_on(rules, CONTROLLER)


def switch_band(
    connection: Connection,
    program: Program,
    code: str,
    *,
    on: bool,
    reason: str,
    by: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Turn a switch, at once. The controller's going off takes ``auto`` with it.

    Refuses keys of regions (``other_region``). ``auto`` is turned on by approvals alone, never here. Locks the
    program's row.
    """
    assert not (on and code == AUTO), "automatic changes are turned on by two approvals"
    by.require_region(None)
    rules = locked_rules(connection, program)
    if code == CONTROLLER and not on and is_on(rules, AUTO):
        turn(connection, program, KIND, AUTO, on=False, reason=reason, by=by.key_id, now=now)
    return turn(connection, program, KIND, code, on=on, reason=reason, by=by.key_id, now=now)


def propose_auto(
    connection: Connection, program: Program, reason: str, *, by: Principal, now: datetime
) -> Approval:
    """The proposal to let the controller record rates; the one that waits, where one does.

    Refuses keys of regions (``other_region``), and while the controller is off (``band_switched_off``). Locks the
    program's row.
    """
    by.require_region(None)
    rules = locked_rules(connection, program)
    if not is_on(rules, CONTROLLER):
        raise BandSwitchedOff("the band controller is switched off", switched_off_at=None)
    for waiting in approvals_of(connection, program, FIRST, AUTO):
        if waiting.status == PENDING and waiting.proposed_by == by.key_id:
            return waiting
    made = propose(connection, program, FIRST, AUTO, {"reason": reason}, by=by, now=now)
    return require_approval(connection, program, show_id("apr", made))


def ask_second(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """The first approval: record what a third key must approve. Turns nothing on.

    Refuses when the controller is off or was switched off since the proposal (``band_switched_off``).
    """
    locked_rules(connection, program)
    _require_alive(connection, program, approval.proposed_at)
    assert approval.decided_by is not None
    asked = {
        "reason": content["reason"],
        "proposed_by": approval.proposed_by,
        "proposed_at": show(approval.proposed_at),
        "first_approval": show_id("apr", approval.approval_id),
    }
    # Whoever has approved first proposes the second: so the two are told apart as any maker and checker are.
    first = Principal(approval.decided_by, program, "", frozenset())
    made = propose(connection, program, SECOND, AUTO, asked, by=first, now=now)
    return {"auto": False, "second_approval": show_id("apr", made)}


def turn_auto_on(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """The second approval: let the controller record rates from now on.

    Refuses the key that has proposed it at first (``self_approval``), and when the controller is off or was switched
    off since then (``band_switched_off``). Locks the program's row.
    """
    if approval.decided_by == content["proposed_by"]:
        raise SelfApproval(
            "the key that has proposed this may not decide on it", proposed_by=content["proposed_by"]
        )
    locked_rules(connection, program)
    _require_alive(connection, program, datetime.fromisoformat(content["proposed_at"]))
    assert approval.decided_by is not None
    turn(
        connection,
        program,
        KIND,
        AUTO,
        on=True,
        reason=content["reason"],
        by=approval.decided_by,
        now=now,
    )
    return {"auto": True, "approved_by": approvers(approval)}


def approvers(second: Approval) -> str:
    """The two keys that have turned ``auto`` on, as the rates that follow name them."""
    return f"{second.proposed_by}+{second.decided_by}"


def _require_alive(connection: Connection, program: Program, since: datetime) -> None:
    """Refuse where the controller is off, or has been off since a proposal: what was killed is proposed anew."""
    turns = (
        select(rule_switches.c.is_on, rule_switches.c.recorded_at)
        .where(
            rule_switches.c.program_id == program.program_id,
            rule_switches.c.kind == KIND,
            rule_switches.c.code == CONTROLLER,
            rule_switches.c.is_on.is_(False),
            rule_switches.c.recorded_at >= since,
        )
        .order_by(rule_switches.c.switch_id.desc())
        .limit(1)
    )
    killed = connection.execute(turns).first()
    if killed is not None:
        raise BandSwitchedOff(
            "the band controller was switched off since this was proposed", switched_off_at=killed.recorded_at
        )


APPROVALS: Final[Mapping[str, Handler]] = {FIRST: ask_second, SECOND: turn_auto_on}
"""What carries out the approved proposals of automatic changes."""
