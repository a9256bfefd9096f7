"""What is tried, and on what: a draft of rules or of terms, and the part of history that it is tried on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from ledger.accounts.ladders import BEGINNING, Ladders, Reign, ladder_of, ladders_of
from ledger.accounts.program import Activation, Program, Rules
from ledger.clock import show


@dataclass(frozen=True, slots=True)
class Draft:
    """The rules to try in the place of an owner's, and the terms to try; None leaves what was in force."""

    owner: str = ""
    version: int = 0
    """The version of the owner's rule set; 0 for a content that is in no register."""
    content: str | None = None
    """The JSON text of the rule set."""
    terms: str | None = None
    """The JSON text of the terms."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of history that counts: events from ``start`` on and before ``end``, in a region, of a sample.

    The draft is in force in this part alone. What lies before or beside it is judged by what was in force,
    and shapes growth, tiers and caps all the same.
    """

    start: datetime | None = None
    end: datetime | None = None
    region: str | None = None
    sample_percent: int = 100

    def holds(self, at: datetime, region: str | None) -> bool:
        """Whether an event counts."""
        return (
            (self.start is None or at >= self.start)
            and (self.end is None or at < self.end)
            and (self.region is None or region == self.region)
        )

    def draws(self, holder_id: bytes) -> bool:
        """Whether a member is in the sample: the same ones always, and the more of them the larger it is."""
        return int.from_bytes(holder_id[-4:]) % 100 < self.sample_percent

    def stored(self) -> dict[str, Any]:
        """In the form that travels, and that the report shows."""
        return {
            "from": show(self.start) if self.start else None,
            "until": show(self.end) if self.end else None,
            "region": self.region,
            "sample_percent": self.sample_percent,
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """What has travelled."""
        start, end = (datetime.fromisoformat(at) if at else None for at in (stored["from"], stored["until"]))
        return cls(start, end, stored["region"], stored["sample_percent"])


@dataclass(frozen=True, slots=True)
class Switched:
    """Which rules and campaigns were off from an instant of recording on."""

    begins: datetime
    off_rules: frozenset[str]
    off_campaigns: frozenset[str]


class Worlds:
    """The program as it was when an entry was recorded, and as it would have been under the draft."""

    def __init__(
        self, program: Program, switched: list[Switched], draft: Draft, selection: Selection
    ) -> None:
        self.program = program
        self.draft = draft
        self.selection = selection
        self._switched = [Switched(BEGINNING, frozenset(), frozenset()), *switched]
        self._terms = {version.version: version.terms for version in program.rules.terms}
        self._pairs: dict[tuple[int, int], tuple[Program, Program]] = {}
        self.ladders = ladders_of(program)
        self.draft_ladders = self._draft_ladders()

    def programs(self, terms_version: int, recorded_at: datetime) -> tuple[Program, Program]:
        """The program of each world: terms, switches and rules as at that recording."""
        period = len(self._switched) - 1
        while self._switched[period].begins > recorded_at:
            period -= 1
        pair = self._pairs.get((terms_version, period))
        if pair is None:
            pair = self._pairs[terms_version, period] = self._pair(terms_version, self._switched[period])
        return pair

    def _pair(self, terms_version: int, switched: Switched) -> tuple[Program, Program]:
        terms = self._terms.get(terms_version, self.program.terms)
        rules = replace(
            self.program.rules, off_rules=switched.off_rules, off_campaigns=switched.off_campaigns
        )
        active = replace(self.program, terms_version=terms_version, terms=terms, rules=rules)
        return active, replace(active, terms=self.draft.terms or terms, rules=self._drafted(rules))

    def _drafted(self, rules: Rules) -> Rules:
        draft = self.draft
        if draft.content is None:
            return rules
        others = tuple(each for each in rules.activations if each.owner != draft.owner)
        drafted = Activation(draft.owner, draft.version, BEGINNING, draft.content)
        return replace(rules, activations=(drafted, *others))

    def _draft_ladders(self) -> Ladders:
        """The draft's ladder from the beginning of the selection on."""
        if self.draft.terms is None:
            return self.ladders
        begins = self.selection.start or BEGINNING
        before = tuple(reign for reign in self.ladders.reigns if reign.begins < begins)
        version = self.program.terms_version + 1
        return Ladders(self.program.timezone, (*before, Reign(begins, version, ladder_of(self.draft.terms))))


def draft_of(stored: Mapping[str, Any]) -> Draft:
    """A draft that has travelled; ``dataclasses.asdict`` sends it."""
    return Draft(**stored)


def told(draft: Draft) -> dict[str, Any]:
    """A draft as the report names it."""
    return {
        "owner": draft.owner or None,
        "version": draft.version or None,
        "has_rules": draft.content is not None,
        "has_terms": draft.terms is not None,
    }


def sent(draft: Draft) -> dict[str, Any]:
    """A draft in the form that travels."""
    return asdict(draft)
