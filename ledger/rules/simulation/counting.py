"""Into the tally: what an event gave in both worlds, and what went back of it."""

from collections.abc import Sequence
from typing import Protocol

from ledger.accounts.chart import Unit
from ledger.rules.facts import Award, Evaluation, Fenced, MemberFacts
from ledger.rules.simulation.events import Event, recorded
from ledger.rules.simulation.tally import Tally

# Python 3.11 finds the name of a member of an enumeration by a function call each: here it is asked once.
_NAMES = {unit: unit.name for unit in Unit}
_KINDS = {"earn": "purchases", "activity": "activities", "referral": "referrals"}


class Given(Protocol):
    """What the rules of a world say about an event."""

    @property
    def member(self) -> MemberFacts: ...
    @property
    def evaluations(self) -> Sequence[Evaluation]: ...
    @property
    def points(self) -> int: ...
    @property
    def growth(self) -> int: ...


def count_given(tally: Tally, event: Event, first: Given, second: Given) -> None:
    """An event that counts."""
    tally.counts[_KINDS[event.kind]] += 1
    if event.kind == "earn":
        tally.counts["lines"] += len(event.details["lines"])
    numbers = (first.points, second.points, first.growth, second.growth)
    for key in (
        ("store", event.store or ""),
        ("region", event.region or ""),
        ("tier", first.member.tier),
    ):
        row = tally.places[key]
        row[0] += numbers[0]
        row[1] += numbers[1]
        row[2] += numbers[2]
        row[3] += numbers[3]
    _count_issued(tally, event, numbers)
    for place, given in enumerate((first, second)):
        for evaluation in given.evaluations:
            _count_awards(tally, evaluation.awards, place)
            if evaluation.fenced:
                _count_fences(tally, evaluation.fenced, place)
            for fund, points in evaluation.spends.items():
                tally.funds[fund,][place] += points


def count_taken(tally: Tally, event: Event, first: tuple[int, int], second: tuple[int, int]) -> None:
    """A return or a reversal of what counts: points and growth taken back in each world."""
    tally.counts["returns"] += 1
    for place, name in enumerate(("POINT", "GROWTH")):
        row = tally.totals[name,]
        row[2] += first[place]
        row[3] += second[place]
    tally.books["POINT",][1] += event.points_taken
    tally.books["GROWTH",][1] += event.growth_taken


def _count_issued(tally: Tally, event: Event, numbers: tuple[int, int, int, int]) -> None:
    points, growth = tally.totals["POINT",], tally.totals["GROWTH",]
    points[0] += numbers[0]
    points[1] += numbers[1]
    growth[0] += numbers[2]
    growth[1] += numbers[3]
    tally.books["POINT",][0] += recorded(event.details, "POINT")
    tally.books["GROWTH",][0] += recorded(event.details, "GROWTH")


def _count_awards(tally: Tally, awards: Sequence[Award], place: int) -> None:
    for award in awards:
        row = tally.rules[award.owner, award.rule, _NAMES[award.unit]]
        row[place] += award.amount
        row[2 + place] += 1


def _count_fences(tally: Tally, fenced: Sequence[Fenced], place: int) -> None:
    for each in fenced:
        row = tally.fences[each.rule, _NAMES[each.unit], each.fence]
        row[place] += each.wanted - each.given
        row[2 + place] += 1
