"""The register of rule sets: versions that never change, and from when on which of them is in force.

A version is made as a draft, proposed by one key, approved by another, and in force from a date. An older
version comes back by being activated again. Drafts, activations and switches are rows that are only ever
added; what a version's status is follows from them. Versions of one owner have no gaps: whoever adds anything
here locks the program's row first. Whatever changes what decides postings gives the program a new stamp.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Text, cast, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSON

from ledger.access.approvals import Approval, Handler, approvals_of, hashed, propose, require_approval
from ledger.access.principals import Principal
from ledger.accounts.models import programs, rule_activations, rule_sets
from ledger.accounts.program import HEADQUARTERS, Program, Rules
from ledger.accounts.programs import lock_program, read_rules, touch
from ledger.clock import show
from ledger.errors import ActiveFromPast, RuleNotOverridable, RuleSetNotApproved, RuleSetUnknown
from ledger.http.operations import invalid
from ledger.ids import show as show_id
from ledger.rules.forms import RuleSetFaults, parse_rule_set
from ledger.rules.ownership import (
    Content,
    Fault,
    faults_of_region,
    implicit_content,
    in_force,
    not_overridable,
    promoted,
    region_of,
)

KIND: Final = "rule_set"
"""The kind of the proposals to put a version in force."""


@dataclass(frozen=True, slots=True)
class RuleSetVersion:
    """One version of an owner's rules. ``content`` is the JSON text whose hash is approved."""

    owner: str
    version: int
    content: str
    content_hash: bytes
    made_by: str
    recorded_at: datetime

    @property
    def subject(self) -> str:
        """How proposals name it."""
        return f"{self.owner}/{self.version}" if self.owner else str(self.version)

    def parsed(self) -> dict[str, Any]:
        """The content as JSON values."""
        values: dict[str, Any] = json.loads(self.content)
        return values


def save(
    connection: Connection, program: Program, owner: str, content: Content, *, by: Principal, now: datetime
) -> tuple[RuleSetVersion, bool]:
    """A version with that content, and whether it is a new one: the same content is the same version.

    Refuses a content that cannot be read as rules, or that a region may not write (``invalid_request``), one
    that overrides what may not be (``rule_not_overridable``), and keys of other regions (``other_region``).
    Locks the program's row.
    """
    by.require_region(region_of(owner))
    require_sound(content, owner)
    rules = locked_rules(connection, program)
    require_allowed(program, rules, owner, content, now)
    text, digest = hashed(content)
    found = connection.execute(_select(program, owner).where(rule_sets.c.content_hash == digest)).first()
    if found is not None:
        return _version(found), False
    made = RuleSetVersion(owner, _next_version(connection, program, owner), text, digest, by.key_id, now)
    connection.execute(
        insert(rule_sets).values(
            program_id=program.program_id,
            owner=owner,
            version=made.version,
            # As text, so that the bytes that were hashed are the bytes that are kept.
            content=cast(literal(text, Text), JSON),
            content_hash=digest,
            made_by=made.made_by,
            recorded_at=now,
        )
    )
    return made, True


def promote(
    connection: Connection, program: Program, owner: str, version: int, *, by: Principal, now: datetime
) -> tuple[RuleSetVersion, bool]:
    """A draft of headquarters': what it has in force, with a region's version put into it.

    Refuses like ``save``, and a version that is not there (``rule_set_unknown``).
    """
    by.require_region(None)
    rules = locked_rules(connection, program)
    region = require_version(connection, program, owner, version).parsed()
    content = promoted(headquarters_content(program, rules, now), region)
    return save(connection, program, HEADQUARTERS, content, by=by, now=now)


def propose_activation(
    connection: Connection,
    program: Program,
    owner: str,
    version: int,
    active_from: datetime | None,
    *,
    by: Principal,
    now: datetime,
) -> Approval:
    """The proposal to put a version in force, from its approval on or from a later date.

    A proposal of the same that still waits is the answer, rather than a second one. Refuses a version that is
    not there (``rule_set_unknown``), a date that has passed (``active_from_past``), overriding what may not be
    (``rule_not_overridable``), and keys of other regions (``other_region``). Locks the program's row.
    """
    by.require_region(region_of(owner))
    rules = locked_rules(connection, program)
    found = require_version(connection, program, owner, version)
    _require_ahead(active_from, now)
    _require_still_overridable(program, rules, found, active_from or now)
    content = {
        "region": region_of(owner),
        "version": version,
        "content_hash": found.content_hash.hex(),
        "active_from": show(active_from) if active_from else None,
    }
    digest = hashed(content)[1]
    for waiting in approvals_of(connection, program, KIND, found.subject):
        if waiting.status == "pending" and waiting.content_hash == digest:
            return waiting
    made = propose(connection, program, KIND, found.subject, content, by=by, now=now)
    return require_approval(connection, program, show_id("apr", made))


def activate_approved(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Put a version in force as approved; never before now, however long the proposal has waited.

    Refuses overriding what may not be, or no longer (``rule_not_overridable``). Locks the program's row.
    """
    rules = locked_rules(connection, program)
    owner = content["region"] or HEADQUARTERS
    found = require_version(connection, program, owner, content["version"])
    assert found.content_hash.hex() == content["content_hash"], (
        "a version has another content than was approved"
    )
    begins = max(now, datetime.fromisoformat(content["active_from"])) if content["active_from"] else now
    _require_still_overridable(program, rules, found, begins)
    assert approval.decided_by is not None
    return _activate(connection, program, found, begins, None, approval.decided_by, now)


def activate_again(
    connection: Connection,
    program: Program,
    owner: str,
    version: int,
    active_from: datetime | None,
    reason: str,
    *,
    by: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Put a version in force that was in force, or was to be, before: the way back, without another approval.

    Refuses a version that is not there (``rule_set_unknown``) or was never approved
    (``rule_set_not_approved``), a date that has passed (``active_from_past``), overriding what may no longer
    be (``rule_not_overridable``), and keys of other regions (``other_region``). Locks the program's row.
    """
    by.require_region(region_of(owner))
    rules = locked_rules(connection, program)
    found = require_version(connection, program, owner, version)
    if not any((each.owner, each.version) == (owner, version) for each in rules.activations):
        raise RuleSetNotApproved(
            f"version {version} was never approved", owner=region_of(owner), version=version
        )
    _require_ahead(active_from, now)
    begins = active_from or now
    _require_still_overridable(program, rules, found, begins)
    return _activate(connection, program, found, begins, reason, by.key_id, now)


def require_version(connection: Connection, program: Program, owner: str, version: int) -> RuleSetVersion:
    """That version of the owner's rules, or ``rule_set_unknown``."""
    row = connection.execute(_select(program, owner).where(rule_sets.c.version == version)).one_or_none()
    if row is None:
        raise RuleSetUnknown(
            f"there is no version {version} of these rules", owner=region_of(owner), version=version
        )
    return _version(row)


def list_versions(
    connection: Connection, program: Program, owner: str, *, before: int | None = None, limit: int
) -> list[RuleSetVersion]:
    """At most ``limit`` versions of an owner's rules, newest first, from those before ``before``."""
    query = _select(program, owner)
    if before is not None:
        query = query.where(rule_sets.c.version < before)
    rows = connection.execute(query.order_by(rule_sets.c.version.desc()).limit(limit))
    return [_version(row) for row in rows]


def headquarters_content(program: Program, rules: Rules, at: datetime) -> dict[str, Any]:
    """What headquarters has in force at that time; the terms' own rates where it has activated nothing."""
    active = in_force(rules, HEADQUARTERS, at)
    if active is None:
        return implicit_content(program)
    content: dict[str, Any] = json.loads(active.content)
    return content


def present_rules(connection: Connection, program: Program) -> Rules:
    """What decides postings now, as this connection sees it."""
    stamp = select(programs.c.stamp).where(programs.c.program_id == program.program_id)
    return read_rules(connection, program.program_id, connection.execute(stamp).scalar_one())


def locked_rules(connection: Connection, program: Program) -> Rules:
    """What decides postings, with the program's row locked: nobody changes any of it beside us."""
    lock_program(connection, program)
    return present_rules(connection, program)


def require_sound(content: Content, owner: str) -> None:
    """Refuse what cannot be read as rules, naming every fault by its place (``invalid_request``)."""
    try:
        parse_rule_set(content, owner)
    except RuleSetFaults as faults:
        _refuse_faults(faults.faults)


def require_allowed(program: Program, rules: Rules, owner: str, content: Content, now: datetime) -> None:
    """Refuse what a region may not write beside what headquarters has in force; headquarters may write anything.

    ``invalid_request`` naming every fault, or ``rule_not_overridable``.
    """
    if owner == HEADQUARTERS:
        return
    headquarters = headquarters_content(program, rules, now)
    _refuse_faults(faults_of_region(content, owner, headquarters))
    _require_overridable(owner, content, headquarters)


def _refuse_faults(faults: list[Fault]) -> None:
    if faults:
        raise invalid(
            [{"field": f"content.{where}".rstrip("."), "message": message} for where, message in faults]
        )


def _require_ahead(active_from: datetime | None, now: datetime) -> None:
    if active_from is not None and active_from < now:
        raise ActiveFromPast("rules come into force now or later", active_from=active_from, now=now)


def _require_still_overridable(program: Program, rules: Rules, found: RuleSetVersion, at: datetime) -> None:
    if found.owner != HEADQUARTERS:
        _require_overridable(found.owner, found.parsed(), headquarters_content(program, rules, at))


def _require_overridable(owner: str, content: Content, headquarters: Content) -> None:
    refused = not_overridable(content, headquarters)
    if refused:
        raise RuleNotOverridable(
            f"headquarters lets no region override {', '.join(refused)}",
            owner=region_of(owner),
            rules=refused,
        )


def _activate(
    connection: Connection,
    program: Program,
    found: RuleSetVersion,
    begins: datetime,
    reason: str | None,
    activated_by: str,
    now: datetime,
) -> dict[str, Any]:
    connection.execute(
        insert(rule_activations).values(
            program_id=program.program_id,
            owner=found.owner,
            version=found.version,
            active_from=begins,
            activated_by=activated_by,
            reason=reason,
            recorded_at=now,
        )
    )
    touch(connection, program.program_id)
    return {"owner": region_of(found.owner), "version": found.version, "active_from": show(begins)}


def _next_version(connection: Connection, program: Program, owner: str) -> int:
    latest = select(func.max(rule_sets.c.version)).where(
        rule_sets.c.program_id == program.program_id, rule_sets.c.owner == owner
    )
    return (connection.execute(latest).scalar_one() or 0) + 1


def _select(program: Program, owner: str) -> Select[Any]:
    return select(
        rule_sets.c.owner,
        rule_sets.c.version,
        cast(rule_sets.c.content, Text).label("content"),
        rule_sets.c.content_hash,
        rule_sets.c.made_by,
        rule_sets.c.recorded_at,
    ).where(rule_sets.c.program_id == program.program_id, rule_sets.c.owner == owner)


def _version(row: Row[Any]) -> RuleSetVersion:
    return RuleSetVersion(row.owner, row.version, row.content, row.content_hash, row.made_by, row.recorded_at)


APPROVALS: Final[Mapping[str, Handler]] = {KIND: activate_approved}
"""What carries out the approved proposals of this register."""
