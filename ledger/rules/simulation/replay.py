"""The replay of one member: every event in the order in which it was recorded, judged in both worlds.

Each world has growth, a tier and usages of its own, which begin as one and part where the draft first has a
say. What goes back takes back pro rata in both. Budgets are shared between members, so they are without a
bound here; what they would have paid is counted.
"""

from collections.abc import Sequence
from datetime import datetime

from ledger.accounts.chart import Unit
from ledger.accounts.ladders import Ladders
from ledger.accounts.program import Program
from ledger.journal.wants import Usage, UsageKey, count_up
from ledger.rules.facts import Facts, MemberFacts
from ledger.rules.rulebook import Compiled, rules_at
from ledger.rules.simulation.counting import count_given, count_taken
from ledger.rules.simulation.drafts import Worlds
from ledger.rules.simulation.events import Event, Member, recorded
from ledger.rules.simulation.grants import Grant, due, granted
from ledger.rules.simulation.memory import is_remembered, reads_points
from ledger.rules.simulation.occasions import Occasions
from ledger.rules.simulation.questions import Judged, Question
from ledger.rules.simulation.standing import Standing
from ledger.rules.simulation.tally import Changed, Tally
from ledger.rules.terms import terms_of

_POINT, _GROWTH = Unit.POINT, Unit.GROWTH
_GIVING = frozenset({"earn", "activity", "referral"})


class World:
    """The state of one member in one world."""

    __slots__ = ("ladders", "net_growth", "net_points", "standing", "usages")

    def __init__(self, ladders: Ladders, standing: Standing) -> None:
        self.ladders = ladders
        self.standing = standing
        self.usages: dict[UsageKey, Usage] = {}
        self.net_points = self.net_growth = 0
        """Issued less taken back, within what counts."""


class Replay:
    """The replay of one member; ``run`` once."""

    def __init__(self, member: Member, worlds: Worlds, tally: Tally) -> None:
        self.member = member
        self.worlds = worlds
        self.tally = tally
        self.active = World(worlds.ladders, Standing(worlds.ladders))
        self.drafted: World | None = None
        """The draft's world, from the first event that counts on."""
        self.occasions = Occasions(worlds.program, member)
        self.grants: dict[bytes, Grant] = {}
        self.apart: set[str] = set()
        """The subjects of usages that are no longer the same in both worlds."""

    def run(self, events: Sequence[Event], end: datetime) -> None:
        """Replay the events, in the order of their versions, up to ``end``."""
        limit = self.worlds.selection.end
        for event in events:
            if limit is not None and event.effective_at >= limit:
                continue
            if event.kind in _GIVING:
                self._judge(event)
            else:
                self._take_back(event)
        if self.drafted is not None:
            self._close(self.drafted, end)

    def _judge(self, event: Event) -> None:
        is_counted = self.worlds.selection.holds(event.effective_at, event.region)
        if is_counted and self.drafted is None:
            self._part()
        program, draft_program = self.worlds.programs(event.terms_version, event.recorded_at)
        occasions = self.occasions.of(event)
        if not occasions:
            return
        first = second = self._judged(program, self.active, occasions, event)
        if self.drafted is not None:
            draft_program = draft_program if is_counted else program
            second = self._judged(draft_program, self.drafted, occasions, event, first)
        self._grant(event, is_counted, (program, draft_program), (first, second))

    def _part(self) -> None:
        ladders, standing = self.worlds.draft_ladders, self.active.standing
        # While growth is the same in both worlds, so is the standing, and one does for both.
        shared = standing if ladders is self.worlds.ladders else standing.under(ladders)
        self.drafted = World(ladders, shared)
        self.drafted.usages = dict(self.active.usages)

    def _standings(self, is_same: bool) -> list[Standing]:
        """The standings to change, in the order of the worlds; they part where the change is not the same."""
        standing, drafted = self.active.standing, self.drafted
        if drafted is None:
            return [standing]
        if drafted.standing is standing:
            if is_same:
                return [standing]
            drafted.standing = standing.under(drafted.ladders)
        return [standing, drafted.standing]

    def _judged(
        self,
        program: Program,
        world: World,
        occasions: tuple[Facts, ...],
        event: Event,
        other: Judged | None = None,
    ) -> Judged:
        """Growth first, as in a posting. What is the same as in the ``other`` world is taken from there."""
        at = event.effective_at
        by = at if terms_of(program).judged_at != "recorded_at" else event.recorded_at
        rules = rules_at(program, by, event.region)
        member = self._member(rules, world, occasions[0].member, event, other)
        entry = event if other is None and is_remembered(rules, event) else None
        question = Question(rules, occasions, world.usages, entry, other)
        growth = question.answer(_GROWTH, member, self.apart)
        gain = sum([award.amount for award in growth.awards])
        rated = member
        if gain and member.tier and _crosses_first(world.ladders, at):
            rated = member._replace(tier=world.standing.tier(at, gain))
        given = question.answer(_POINT, rated, self.apart)
        total = sum([award.amount for award in given.awards])
        return Judged(rules, member, rated, (given, growth), total, gain)

    def _member(
        self, rules: Compiled, world: World, known: MemberFacts, event: Event, other: Judged | None
    ) -> MemberFacts:
        """The member as the event finds him in a world."""
        points = self._points(world, event) if reads_points(rules) else 0
        if other is not None and world.standing is self.active.standing and points == other.member.points:
            return other.member
        tier, growth = world.standing.tier(event.effective_at), world.standing.growth(event.recorded_at)
        return MemberFacts(known.member_id, tier, growth, points, *known[4:])

    def _points(self, world: World, event: Event) -> int:
        """The points before an event: those of the books, and what this world has given more or less."""
        before = event.points_after - recorded(event.details, "POINT")
        return max(before + world.net_points - self.active.net_points, 0)

    def _grant(
        self,
        event: Event,
        is_counted: bool,
        programs: tuple[Program, Program],
        judged: tuple[Judged, Judged],
    ) -> None:
        """Let what is given have its effect in each world, and count it."""
        first, second = judged
        worlds = (self.active, self.drafted) if self.drafted is not None else (self.active,)
        for world, said in zip(worlds, judged, strict=False):
            for evaluation in said.evaluations:
                if evaluation.uses:
                    count_up(world.usages, evaluation.uses)
        for one, other in zip(first.evaluations, second.evaluations, strict=True):
            if one is not other and one.uses != other.uses:
                self.apart.update(each.key[1] for each in {*one.uses} ^ {*other.uses})
        at = event.effective_at
        given = (
            granted(programs[0], at, first.points, first.growth),
            granted(programs[1], at, second.points, second.growth),
        )
        is_same = given[0].growth == given[1].growth and given[0].growth_ends_at == given[1].growth_ends_at
        for standing, grant in zip(self._standings(is_same), given, strict=False):
            if grant.growth:
                standing.gain(at, grant.growth, grant.growth_ends_at)
        self.grants[event.entry_id] = Grant(at, event.details, is_counted, given, {})
        if is_counted:
            assert self.drafted is not None
            self.active.net_points += first.points
            self.active.net_growth += first.growth
            self.drafted.net_points += second.points
            self.drafted.net_growth += second.growth
            count_given(self.tally, event, first, second)

    def _take_back(self, event: Event) -> None:
        grant = self.grants.get(event.parent_entry_id or b"")
        if grant is None:
            return
        taken = due(grant, event)
        ends = [each.growth_ends_at for each in grant.worlds]
        is_same = taken[0][1] == taken[1][1] and ends[0] == ends[1]
        for standing, (_, growth), ends_at in zip(self._standings(is_same), taken, ends, strict=False):
            if growth:
                standing.take(event.effective_at, growth, grant.at, ends_at)
        for world, each, (points, growth) in zip(
            (self.active, self.drafted), grant.worlds, taken, strict=True
        ):
            each.points_taken += points
            each.growth_taken += growth
            if world is not None and grant.is_counted:
                world.net_points -= points
                world.net_growth -= growth
        if grant.is_counted:
            count_taken(self.tally, event, taken[0], taken[1])

    def _close(self, drafted: World, end: datetime) -> None:
        """What is left of it all at the end."""
        tally, worlds = self.tally, (self.active, drafted)
        tiers = (self.active.standing.tier(end), drafted.standing.tier(end))
        if any(tiers):
            tally.tiers[tiers][0] += 1
        since = self.worlds.selection.start
        for place, world in enumerate(worlds):
            for move in world.standing.events:
                if since is None or move.effective_at >= since:
                    tally.moves[move.reason,][place] += 1
        tally.counts["members"] += 1
        tally.note(
            Changed(
                self.member.member_id,
                (self.active.net_points, drafted.net_points),
                (self.active.net_growth, drafted.net_growth),
                tiers,
            )
        )


def _crosses_first(ladders: Ladders, at: datetime) -> bool:
    """Whether the points of a purchase go by the tier that its own growth reaches."""
    ladder = ladders.at(at).ladder
    return ladder is not None and ladder.crosses_first
