"""Asking the rules of a world about an event, where the answer is not known already."""

from collections.abc import Mapping
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.journal.commands import UNUSED, Usage, UsageKey, Use
from ledger.money import MAX_AMOUNT
from ledger.rules.engine import evaluate
from ledger.rules.facts import Evaluation, Facts, MemberFacts
from ledger.rules.rulebook import Compiled
from ledger.rules.simulation.events import Event
from ledger.rules.simulation.memory import is_remembered, is_same, remembered

_GROWTH = Unit.GROWTH
_new = tuple.__new__
_MEMBER = Facts._fields.index("member")


class Judged(NamedTuple):
    """What the rules of a world say about an event, and by which facts."""

    rules: Compiled
    member: MemberFacts
    """The member as the event finds him."""
    rated: MemberFacts
    """The member by whose tier the points go."""
    evaluations: tuple[Evaluation, Evaluation]
    """Of points, then of growth."""
    points: int
    growth: int


class _Bottomless(dict[str, int]):
    """Funds that have as much as is asked for, whatever their names."""

    def get(self, key: str, default: object = None) -> int:
        return MAX_AMOUNT


BOTTOMLESS = _Bottomless()


class Question(NamedTuple):
    """What the rules of a world say about the occasions of an event."""

    rules: Compiled
    occasions: tuple[Facts, ...]
    """A purchase, and the referral that it settles; or one of any kind."""
    usages: Mapping[UsageKey, Usage]
    event: Event | None
    """The entry, where it was judged by these very rules."""
    other: Judged | None
    """What the other world says."""

    def answer(self, unit: Unit, member: MemberFacts, apart: set[Unit]) -> Evaluation:
        """What the other world says of the same, or the books; or else what the engine says.

        ``apart`` are the units of which the worlds have used different amounts.
        """
        other = self.other
        if other is not None:
            if unit not in apart and self._is_same(other, unit, member):
                return other.evaluations[unit is _GROWTH]
        elif self.event is not None and is_remembered(self.rules, self.event):
            return remembered(self.rules, self.occasions[0], unit, self.event)
        return self._evaluated(unit, member)

    def _is_same(self, other: Judged, unit: Unit, member: MemberFacts) -> bool:
        if member != (other.member if unit is _GROWTH else other.rated):
            return False
        return all(is_same(self.rules, other.rules, facts.occasion, unit) for facts in self.occasions)

    def _evaluated(self, unit: Unit, member: MemberFacts) -> Evaluation:
        rules, usages, found = self.rules, self.usages, None
        for occasion in self.occasions:
            facts = _new(Facts, (*occasion[:_MEMBER], member, *occasion[_MEMBER + 1 :]))
            each = evaluate(rules, facts, unit, usages, BOTTOMLESS)
            if found is not None:
                return _together(found, each)
            if len(self.occasions) > 1:
                usages, found = dict(usages), each
                use(usages, each.uses)
        return each


def use(usages: dict[UsageKey, Usage], uses: list[Use]) -> None:
    """Count what caps are used up."""
    for key, amount, times in uses:
        used = usages.get(key, UNUSED)
        usages[key] = Usage(used.amount + amount, used.times + times)


def _together(first: Evaluation, second: Evaluation) -> Evaluation:
    spends = dict(first.spends)
    for fund, points in second.spends.items():
        spends[fund] = spends.get(fund, 0) + points
    return Evaluation(
        first.awards + second.awards,
        first.fenced + second.fenced,
        first.uses + second.uses,
        spends,
        first.arms | second.arms,
    )
