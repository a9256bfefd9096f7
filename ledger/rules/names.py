"""What rules, campaigns and tiers are called: the names that their authors gave them, else their codes."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from ledger.accounts.program import Activation, Program
from ledger.rules.phrases import plain
from ledger.rules.words import Text, say

_BASE = "base"


class Names:
    """The names in all rule sets and terms of a program."""

    def __init__(self, program: Program) -> None:
        self._sets: dict[tuple[str, int], Activation] = {}
        for each in program.rules.activations:
            # They stand in the order of their beginning: a version that came back had its names before.
            self._sets.setdefault((each.owner, each.version), each)
        self._terms = {each.version: each.terms for each in program.rules.terms}
        self._terms.setdefault(program.terms_version, program.terms)

    def rule(self, code: str, version: int, owner: str, judged_at: datetime) -> Text:
        """The name of a rule in that version of its owner's rules.

        A version that was not in force yet is not meant: the number is then that of the terms, whose rates judged.
        """
        found = self._sets.get((owner, version))
        named = _names(found.content, "rules").get(code) if found and found.active_from <= judged_at else None
        return named or (say("rule.base") if code == _BASE else plain(code))

    def judged_at(self, terms_version: int, effective_at: datetime, recorded_at: datetime) -> datetime:
        """The instant whose rules judge an event, as the terms say by which it was decided."""
        by_recording = json.loads(self._terms.get(terms_version, "{}")).get("judged_at") == "recorded_at"
        return recorded_at if by_recording else effective_at

    def tier(self, code: str, terms_version: int | None = None) -> Text:
        """The name of a tier in that version of the terms; in the latest that knows it when none is given."""
        given = [] if terms_version is None else [terms_version]
        return self._latest(code, _tier_names, given)

    def benefit(self, code: str) -> Text:
        """The name of a tier's benefit, in the latest version of the terms that knows it."""
        return self._latest(code, _benefit_names, [])

    def _latest(self, code: str, names_in: Callable[[str], Mapping[str, Text]], first: list[int]) -> Text:
        for version in [*first, *sorted(self._terms, reverse=True)]:
            if named := names_in(self._terms.get(version, "{}")).get(code):
                return named
        return plain(code)


@lru_cache(maxsize=256)
def _names(content: str, kind: str) -> Mapping[str, Text]:
    return _named(json.loads(content).get(kind, ()))


@lru_cache(maxsize=256)
def _tier_names(terms: str) -> Mapping[str, Text]:
    return _named((json.loads(terms).get("tiers") or {}).get("levels", ()))


@lru_cache(maxsize=256)
def _benefit_names(terms: str) -> Mapping[str, Text]:
    levels = (json.loads(terms).get("tiers") or {}).get("levels", ())
    return _named([benefit for level in levels for benefit in level.get("entitlements", ())])


def _named(items: Any) -> dict[str, Text]:
    return {item["code"]: {**plain(item["code"]), **item["name"]} for item in items if item.get("name")}
