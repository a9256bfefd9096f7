"""Reads of the register: versions with their status, and what is in force at a place.

A version's status is not kept anywhere: it follows from the proposals about it and from the activations.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from ledger.access.approvals import Approval, approvals_of
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import HEADQUARTERS, Activation, Program, Rules
from ledger.clock import show
from ledger.ids import show as show_id
from ledger.rules.ownership import (
    KINDS,
    Content,
    codes_of,
    implicit_content,
    in_force,
    key_of,
    owner_of,
    region_of,
)
from ledger.rules.register import (
    KIND,
    RuleSetVersion,
    list_versions,
    present_rules,
    require_version,
)
from ledger.rules.rulebook import rules_at

DRAFT: Final = "draft"
PROPOSED: Final = "proposed"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
ACTIVE: Final = "active"
SUPERSEDED: Final = "superseded"
STATUSES: Final = (DRAFT, PROPOSED, APPROVED, REJECTED, ACTIVE, SUPERSEDED)

ON: Final = "on"
OFF: Final = "off"
OVERRIDDEN: Final = "overridden"
PROMOTED: Final = "promoted"
STATES: Final = (ON, OFF, OVERRIDDEN, PROMOTED)

_LIST: Final = b"R"
_VERSION_BYTES: Final = 4


def list_rule_sets(
    connection: Connection,
    program: Program,
    owner: str,
    now: datetime,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The versions of an owner's rules without their content, newest first."""
    before = int.from_bytes(read_cursor(_LIST, cursor, _VERSION_BYTES)) if cursor is not None else None
    rules = present_rules(connection, program)
    # One more than asked for tells whether there are more.
    found = list_versions(connection, program, owner, before=before, limit=limit + 1)
    items = [shown(connection, program, rules, each, now) for each in found[:limit]]
    last = items[-1]["version"].to_bytes(_VERSION_BYTES) if len(found) > limit else None
    return Page(items, write_cursor(_LIST, last) if last else None)


def show_rule_set(
    connection: Connection, program: Program, owner: str, version: int, now: datetime
) -> dict[str, Any]:
    """A version with its content; ``rule_set_unknown`` when there is none."""
    found = require_version(connection, program, owner, version)
    rules = present_rules(connection, program)
    return {**shown(connection, program, rules, found, now), "content": found.parsed()}


def shown(
    connection: Connection, program: Program, rules: Rules, found: RuleSetVersion, now: datetime
) -> dict[str, Any]:
    """A version as answers show it, without its content."""
    proposals = approvals_of(connection, program, KIND, found.subject)
    activations = [
        each for each in rules.activations if (each.owner, each.version) == (found.owner, found.version)
    ]
    return {
        "owner": region_of(found.owner),
        "version": found.version,
        "content_hash": found.content_hash.hex(),
        "status": status_of(rules, found, activations, proposals, now),
        "made_by": found.made_by,
        "recorded_at": show(found.recorded_at),
        "active_from": show(activations[-1].active_from) if activations else None,
        "approval_id": show_id("apr", proposals[0].approval_id) if proposals else None,
    }


def status_of(
    rules: Rules,
    found: RuleSetVersion,
    activations: list[Activation],
    proposals: list[Approval],
    now: datetime,
) -> str:
    """What has become of a version: the most that can be said of it."""
    active = in_force(rules, found.owner, now)
    if active is not None and active.version == found.version:
        return ACTIVE
    latest = proposals[0].status if proposals else None
    if latest == "pending":
        return PROPOSED
    if any(each.active_from > now for each in activations):
        return APPROVED
    if activations:
        return SUPERSEDED
    return REJECTED if latest == "rejected" else DRAFT


def rules_in_force(program: Program, rules: Rules, region: str | None, at: datetime) -> dict[str, Any]:
    """What decides about a purchase in a region (or in none that has rules), and what is to come."""
    owners = [HEADQUARTERS] if region is None else [HEADQUARTERS, owner_of(region)]
    sets = [found for owner in owners if (found := _set_in_force(program, rules, owner, at))]
    upcoming = [each for each in rules.activations if each.owner in owners and each.active_from > at]
    # The engine's own word: what it would try for an event of now.
    compiled = rules_at(replace(program, rules=rules), at, region)
    standing = {(each.owner, each.rule.code, each.rule.unit.name) for each in compiled.ready}
    listed: dict[str, Any] = {kind: list(_listed(kind, sets, standing, rules)) for kind in KINDS}
    return {
        "as_of": show(at),
        "region": region,
        "sets": [_head(owner, version, begun) for owner, version, begun, _ in sets],
        **listed,
        "switched_off": {"rules": sorted(rules.off_rules), "campaigns": sorted(rules.off_campaigns)},
        "upcoming": [_head(each.owner, each.version, each.active_from) for each in upcoming],
    }


_Set = tuple[str, int, datetime | None, Content]
"""Owner, version, from when on, content. The rates of the terms, as a set, are in force from no date."""
_Standing = tuple[str, str, str]
"""Owner, code and unit of a rule."""


def _set_in_force(program: Program, rules: Rules, owner: str, at: datetime) -> _Set | None:
    active = in_force(rules, owner, at)
    if active is not None:
        return owner, active.version, active.active_from, json.loads(active.content)
    if owner == HEADQUARTERS:
        return owner, program.terms_version, None, implicit_content(program)
    return None


def _head(owner: str, version: int, begun: datetime | None) -> dict[str, Any]:
    return {
        "owner": region_of(owner),
        "version": version,
        "active_from": show(begun) if begun is not None else None,
    }


def _listed(kind: str, sets: list[_Set], standing: set[_Standing], rules: Rules) -> Iterator[dict[str, Any]]:
    taken = set(codes_of(sets[0][3], kind))
    for owner, version, _, content in sets:
        for each in content.get(kind, ()):
            if kind == "rules":
                state = _state_of_rule(owner, each, standing, rules)
            else:
                state = _state_of_part(owner, each["code"], taken, rules.off_campaigns, kind)
            yield {
                "code": each["code"],
                "owner": region_of(owner),
                "version": version,
                "state": state,
                "definition": each,
            }


def _state_of_rule(owner: str, rule: Content, standing: set[_Standing], rules: Rules) -> str:
    if (owner, *key_of(rule)) in standing:
        return ON
    if rule["code"] in rules.off_rules or rule.get("campaign") in rules.off_campaigns:
        return OFF
    return OVERRIDDEN if owner == HEADQUARTERS else PROMOTED


def _state_of_part(owner: str, code: str, taken: set[str], off: frozenset[str], kind: str) -> str:
    if kind == "campaigns" and code in off:
        return OFF
    return PROMOTED if owner != HEADQUARTERS and code in taken else ON
