"""What a process is told: the program, the draft, the part of history. It travels as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from ledger.accounts.program import Activation, Program, Rules, TermsVersion
from ledger.clock import show
from ledger.rules.simulation.drafts import Draft, Selection, Switched, Worlds, draft_of, sent


@dataclass(frozen=True, slots=True)
class Job:
    """All that a process needs; everything of the books comes from the one snapshot."""

    url: str
    role: str
    snapshot: str
    program: Program
    switched: Sequence[Switched]
    draft: Draft
    selection: Selection
    end: datetime

    def worlds(self) -> Worlds:
        """Both worlds of the job."""
        return Worlds(self.program, list(self.switched), self.draft, self.selection)

    def sent(self) -> dict[str, Any]:
        """In the form that travels."""
        return {
            "url": self.url,
            "role": self.role,
            "snapshot": self.snapshot,
            "program": _program_sent(self.program),
            "switched": [
                [show(each.begins), sorted(each.off_rules), sorted(each.off_campaigns)]
                for each in self.switched
            ],
            "draft": sent(self.draft),
            "selection": self.selection.stored(),
            "end": show(self.end),
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """What has travelled."""
        return cls(
            stored["url"],
            stored["role"],
            stored["snapshot"],
            _program_restored(stored["program"]),
            [
                Switched(_read(begins), frozenset(rules), frozenset(campaigns))
                for begins, rules, campaigns in stored["switched"]
            ],
            draft_of(stored["draft"]),
            Selection.restored(stored["selection"]),
            _read(stored["end"]),
        )


def _program_sent(program: Program) -> dict[str, Any]:
    return {
        "program_id": program.program_id,
        "name": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "terms_version": program.terms_version,
        "terms": program.terms,
        "activations": [
            [each.owner, each.version, show(each.active_from), each.content]
            for each in program.rules.activations
        ],
        "versions": [[each.version, show(each.recorded_at), each.terms] for each in program.rules.terms],
    }


def _program_restored(stored: Mapping[str, Any]) -> Program:
    rules = Rules(
        tuple(
            Activation(owner, version, _read(begins), text)
            for owner, version, begins, text in stored["activations"]
        ),
        terms=tuple(TermsVersion(number, _read(at), text) for number, at, text in stored["versions"]),
    )
    return Program(
        stored["program_id"],
        stored["name"],
        stored["currency"],
        stored["timezone"],
        stored["terms_version"],
        stored["terms"],
        rules=rules,
    )


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
