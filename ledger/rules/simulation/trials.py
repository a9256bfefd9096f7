"""From what a caller asks for to a draft that can be tried, or a refusal."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.access.principals import Principal
from ledger.accounts.ladders import ladder_of
from ledger.accounts.program import Program
from ledger.http.operations import invalid
from ledger.rules.ownership import owner_of, region_of
from ledger.rules.register import require_allowed, require_sound, require_version
from ledger.rules.simulation.drafts import Draft, Selection
from ledger.rules.terms import terms_of


def trial_of(
    connection: Connection, program: Program, asked: Mapping[str, Any], *, by: Principal, now: datetime
) -> tuple[Draft, Selection]:
    """The draft, and the part of history to try it on. A region's key tries the region's rules in the region.

    Refuses a version that is not there (``rule_set_unknown``), a content that could not be saved
    (``invalid_request``, ``rule_not_overridable``), and keys of other regions (``other_region``).
    """
    selection = Selection(
        asked.get("from"), asked.get("until"), asked.get("region") or by.region, asked["sample_percent"]
    )
    by.require_region(selection.region)
    draft = Draft(terms=json.dumps(asked["terms"]) if "terms" in asked else None)
    if draft.terms is not None:
        # Terms are headquarters'.
        by.require_region(None)
    if "rule_set" not in asked:
        return draft, selection
    rules = asked["rule_set"]
    owner = owner_of(rules["owner"])
    by.require_region(region_of(owner))
    if "content" in rules:
        check_content(program, owner, rules["content"], now)
        return replace(draft, owner=owner, content=json.dumps(rules["content"])), selection
    if "version" in rules:
        found = require_version(connection, program, owner, rules["version"])
        return replace(draft, owner=owner, version=found.version, content=found.content), selection
    return draft, selection


def check_content(program: Program, owner: str, content: Mapping[str, Any], now: datetime) -> None:
    """Refuse what could not be saved as this owner's rules."""
    require_sound(content, owner)
    require_allowed(program, program.rules, owner, content, now)


def check_terms(program: Program, terms: Mapping[str, Any]) -> None:
    """Refuse what the ledger could not work with as terms (``invalid_request``)."""
    text = json.dumps(terms)
    try:
        terms_of(replace(program, terms=text))
        ladder_of(text)
    except (KeyError, TypeError, ValueError) as error:
        raise invalid(
            [{"field": "terms", "message": f"are no whole terms of a program ({error!r})"}]
        ) from error
