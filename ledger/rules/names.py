"""What rules, campaigns and tiers are called: the names that their authors gave them, else their codes."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ledger.accounts.program import HEADQUARTERS, Program
from ledger.rules.phrases import plain
from ledger.rules.words import Text, say

_BASE = "base"


class Names:
    """The names in all rule sets and terms of a program."""

    def __init__(self, program: Program) -> None:
        self._sets = {(each.owner, each.version): each.content for each in program.rules.activations}
        self._terms = {each.version: each.terms for each in program.rules.terms}
        self._terms.setdefault(program.terms_version, program.terms)

    def rule(self, code: str, version: int, owner: str = HEADQUARTERS) -> Text:
        """The name of a rule in that version of its owner's rules."""
        named = _names(self._sets.get((owner, version), "{}"), "rules").get(code)
        return named or (say("rule.base") if code == _BASE else plain(code))

    def tier(self, code: str, terms_version: int | None = None) -> Text:
        """The name of a tier in that version of the terms; in the latest that knows it when none is given."""
        versions = [terms_version] if terms_version in self._terms else sorted(self._terms, reverse=True)
        for version in versions:
            if named := _tier_names(self._terms[version]).get(code):
                return named
        return plain(code)


@lru_cache(maxsize=256)
def _names(content: str, kind: str) -> Mapping[str, Text]:
    return _named(json.loads(content).get(kind, ()))


@lru_cache(maxsize=256)
def _tier_names(terms: str) -> Mapping[str, Text]:
    return _named((json.loads(terms).get("tiers") or {}).get("levels", ()))


def _named(items: Any) -> dict[str, Text]:
    return {item["code"]: {**plain(item["code"]), **item["name"]} for item in items if item.get("name")}
