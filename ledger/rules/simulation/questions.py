"""Asking the rules of a world about an event, where the answer is not known already."""

from collections.abc import Mapping
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.journal.wants import Usage, UsageKey, count_up
from ledger.money import MAX_AMOUNT
from ledger.rules.engine import evaluate
from ledger.rules.facts import Evaluation, Facts, MemberFacts
from ledger.rules.rulebook import Compiled
from ledger.rules.simulation.deltas import Delta, delta_of
from ledger.rules.simulation.events import Event
from ledger.rules.simulation.memory import remembered

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
    """The entry, where it remembers what these very rules have said."""
    other: Judged | None
    """What the other world says."""

    def answer(self, unit: Unit, member: MemberFacts, apart: set[str]) -> Evaluation:
        """What the other world says of the same, or the books; or else what the engine says.

        ``apart`` are the subjects of which the worlds have used up different amounts.
        """
        other = self.other
        if other is None:
            if self.event is not None:
                return remembered(self.rules, self.occasions[0], unit, self.event)
        elif member == (other.member if unit is _GROWTH else other.rated) and len(self.occasions) == 1:
            delta = delta_of(other.rules, self.rules, self.occasions[0].occasion, unit)
            if delta.kept and apart.isdisjoint(delta.subjects):
                return self._partly(other.evaluations[unit is _GROWTH], delta, unit, member)
        return self._evaluated(self.rules, unit, member)

    def _partly(self, same: Evaluation, delta: Delta, unit: Unit, member: MemberFacts) -> Evaluation:
        """What the rules give that are the same in both worlds, and what the others give."""
        if delta.is_whole:
            return same
        kept, subjects = delta.kept, delta.subjects
        awards = [award for award in same.awards if (award.owner, award.rule) in kept]
        fenced = [fenced for fenced in same.fenced if fenced.rule in delta.codes]
        uses = [use for use in same.uses if use.key[1] in subjects]
        spends: dict[str, int] = {}
        for award in awards:
            for fund in award.funds:
                spends[fund] = spends.get(fund, 0) + award.amount
        common = Evaluation(awards, fenced, uses, spends, same.arms)
        return _together(common, self._evaluated(delta.rest, unit, member)) if delta.rest.plans else common

    def _evaluated(self, rules: Compiled, unit: Unit, member: MemberFacts) -> Evaluation:
        usages, found = self.usages, None
        for occasion in self.occasions:
            facts = _new(Facts, (*occasion[:_MEMBER], member, *occasion[_MEMBER + 1 :]))
            each = evaluate(rules, facts, unit, usages, BOTTOMLESS)
            if found is not None:
                return _together(found, each)
            if len(self.occasions) > 1:
                usages, found = dict(usages), each
                count_up(usages, each.uses)
        return each


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
