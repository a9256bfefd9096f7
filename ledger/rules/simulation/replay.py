"""The replay of one member: every event in the order in which it was recorded, judged in both worlds.

Each world has growth, a tier and usages of its own, which begin as one and part where the draft first has a
say. What goes back takes back pro rata in both. Budgets are shared between members, so they are without a
bound here; what they would have paid is counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.accounts.ladders import Ladders
from ledger.accounts.program import Program
from ledger.ids import holder_id, operator_name
from ledger.journal.commands import UNUSED, Source, Usage, UsageKey, Use
from ledger.money import MAX_AMOUNT
from ledger.rules.engine import evaluate
from ledger.rules.facts import PURCHASE, Evaluation, Facts, Line, MemberFacts
from ledger.rules.rulebook import Compiled, rules_at
from ledger.rules.simulation.counting import count_given, count_taken
from ledger.rules.simulation.drafts import Worlds
from ledger.rules.simulation.events import Event, Member, recorded
from ledger.rules.simulation.memory import is_remembered, is_same, remembered
from ledger.rules.simulation.standing import Standing
from ledger.rules.simulation.tally import Changed, Tally
from ledger.rules.terms import terms_of
from ledger.rules.visits import activity_visit, purchase_visit

_POINT, _GROWTH = Unit.POINT, Unit.GROWTH


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


class Granted:
    """What an entry gave in one world, and how much of it was taken back since."""

    __slots__ = ("growth", "growth_ends_at", "growth_taken", "points", "points_end_at", "points_taken")

    def __init__(
        self, points: int, growth: int, points_end_at: datetime | None, growth_ends_at: datetime | None
    ) -> None:
        self.points, self.growth = points, growth
        self.points_end_at, self.growth_ends_at = points_end_at, growth_ends_at
        self.points_taken = self.growth_taken = 0


class Grant(NamedTuple):
    """An entry that gave something: in the books, and in both worlds."""

    at: datetime
    details: Mapping[str, Any]
    is_counted: bool
    worlds: tuple[Granted, Granted]
    returned: dict[str, int]
    """Minor units returned, by line."""


class _Question(NamedTuple):
    """What the rules of a world say about an event: it may be known already."""

    rules: Compiled
    facts: Facts
    usages: Mapping[UsageKey, Usage]
    event: Event | None
    """The entry, where it was judged by these very rules."""
    other: Judged | None
    """What the other world says."""

    def answer(self, unit: Unit, member: MemberFacts, apart: set[Unit]) -> Evaluation:
        """What the other world says of the same, or the books; or else what the engine says."""
        other, rules = self.other, self.rules
        if other is not None:
            is_known = (
                unit not in apart
                and member == (other.member if unit is _GROWTH else other.rated)
                and is_same(rules, other.rules, self.facts.occasion, unit)
            )
            if is_known:
                return other.evaluations[unit is _GROWTH]
        elif self.event is not None and is_remembered(rules, self.event):
            return remembered(rules, self.facts, unit, self.event)
        facts = self.facts._replace(member=member)
        funds = dict.fromkeys(rules.funds(facts.source, facts.at), MAX_AMOUNT) if rules.has_funds else {}
        return evaluate(rules, facts, unit, self.usages, funds)


class World:
    """The state of one member in one world."""

    __slots__ = ("ladders", "net_growth", "net_points", "standing", "usages")

    def __init__(self, ladders: Ladders, standing: Standing) -> None:
        self.ladders = ladders
        self.standing = standing
        self.usages: dict[UsageKey, Usage] = {}
        self.net_points = self.net_growth = 0
        """Issued less taken back, within what counts."""

    def use(self, uses: Sequence[Use]) -> None:
        """Count what caps are used up."""
        for key, amount, times in uses:
            used = self.usages.get(key, UNUSED)
            self.usages[key] = Usage(used.amount + amount, used.times + times)


class Replay:
    """The replay of one member; ``run`` once."""

    def __init__(self, member: Member, worlds: Worlds, tally: Tally) -> None:
        self.member = member
        self.worlds = worlds
        self.tally = tally
        self.active = World(worlds.ladders, Standing(worlds.ladders))
        self.drafted: World | None = None
        """The draft's world, from the first event that counts on."""
        self.habits: dict[UsageKey, Usage] = {}
        """Visits and streaks, the same in both worlds."""
        self.grants: dict[bytes, Grant] = {}
        self.apart: set[Unit] = set()
        """The units whose usages are no longer the same in both worlds."""

    def run(self, events: Sequence[Event], end: datetime) -> None:
        """Replay the events, in the order of their versions, up to ``end``."""
        limit = self.worlds.selection.end
        for event in events:
            if limit is not None and event.effective_at >= limit:
                continue
            if event.kind in ("earn", "activity"):
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
        facts = self._facts(event)
        points = event.points_after - recorded(event.details, "POINT")
        first = second = self._judged(program, self.active, facts, event, points)
        if self.drafted is not None:
            points += self.drafted.net_points - self.active.net_points
            draft_program = draft_program if is_counted else program
            second = self._judged(draft_program, self.drafted, facts, event, points, first)
        self._grant(event, is_counted, (program, draft_program), (first, second))

    def _part(self) -> None:
        ladders = self.worlds.draft_ladders
        self.drafted = World(ladders, self.active.standing.under(ladders))
        self.drafted.usages = dict(self.active.usages)

    def _judged(
        self,
        program: Program,
        world: World,
        facts: Facts,
        event: Event,
        points: int,
        other: Judged | None = None,
    ) -> Judged:
        """Growth first, as in a posting. What is the same as in the ``other`` world is taken from there."""
        at, standing = event.effective_at, world.standing
        by = at if terms_of(program).judged_at != "recorded_at" else event.recorded_at
        rules = rules_at(program, by, event.region)
        tier = standing.tier(at)
        member = facts.member._replace(tier=tier, growth=standing.growth(event.recorded_at), points=points)
        asked = _Question(rules, facts, world.usages, event if other is None else None, other)
        growth = asked.answer(_GROWTH, member, self.apart)
        gain = sum([award.amount for award in growth.awards])
        rated = member
        if gain and tier and _crosses_first(world.ladders, at):
            rated = member._replace(tier=standing.tier(at, gain))
        given = asked.answer(_POINT, rated, self.apart)
        total = sum([award.amount for award in given.awards])
        return Judged(rules, member, rated, (given, growth), total, gain)

    def _facts(self, event: Event) -> Facts:
        program, member = self.worlds.program, self.member
        details, at = event.details, event.effective_at
        if event.kind == "earn":
            occasion = PURCHASE
            visit = purchase_visit(self.habits, member.holder_id, at, program.timezone)
        else:
            occasion = details["type"]
            visit = activity_visit(self.habits, member.holder_id, occasion, at, program.timezone)
        for key, amount, times in visit.uses:
            used = self.habits.get(key, UNUSED)
            self.habits[key] = Usage(used.amount + amount, used.times + times)
        lines = tuple(
            [
                Line(line["line_id"], line["quantity"], line["amount"], line.get("sku"), line.get("category"))
                for line in details.get("lines", ())
            ]
        )
        spent = sum([line.amount for line in lines])
        row = member.row
        return Facts(
            occasion,
            at,
            program.timezone,
            program.currency,
            lines,
            spent,
            details.get("cash", spent),
            MemberFacts(
                member.member_id,
                "",
                0,
                0,
                visit.visits,
                visit.streak,
                row.region or "",
                row.store or "",
                row.enrolled_at,
                row.attributes,
            ),
            Source(event.channel, event.store, event.region, event.operator),
            details.get("attributes", {}),
            member.holder_id,
            holder_id(program.program_id, operator_name(event.operator)) if event.operator else None,
        )

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
        for world, each in zip(worlds, judged, strict=False):
            for evaluation in each.evaluations:
                world.use(evaluation.uses)
        for unit, one, other in zip((_POINT, _GROWTH), first.evaluations, second.evaluations, strict=True):
            if one.uses != other.uses:
                self.apart.add(unit)
        granted = (
            _granted(programs[0], event.effective_at, first),
            _granted(programs[1], event.effective_at, second),
        )
        for world, grant in zip(worlds, granted, strict=False):
            if grant.growth:
                world.standing.gain(event.effective_at, grant.growth, grant.growth_ends_at)
        self.grants[event.entry_id] = Grant(event.effective_at, event.details, is_counted, granted, {})
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
        kept, total = _kept(grant, event)
        taken = [_due(each, grant, event, kept, total) for each in grant.worlds]
        for world, each, (points, growth) in zip(
            (self.active, self.drafted), grant.worlds, taken, strict=True
        ):
            each.points_taken += points
            each.growth_taken += growth
            if world is None:
                continue
            if growth:
                world.standing.take(event.effective_at, growth, grant.at, each.growth_ends_at)
            if grant.is_counted:
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


def _granted(program: Program, at: datetime, judged: Judged) -> Granted:
    terms = terms_of(program)
    return Granted(
        judged.points,
        judged.growth,
        terms.points_expiry.expires_at(at, program.timezone) if not terms.points_expiry.is_rolling else None,
        terms.growth_expiry.expires_at(at, program.timezone),
    )


def _kept(grant: Grant, event: Event) -> tuple[int, int]:
    """How much of what was bought stays bought, and what was bought in all; a reversal keeps nothing."""
    if event.kind == "reversal":
        return 0, 1
    for line in event.details["lines"]:
        grant.returned[line["line_id"]] = grant.returned.get(line["line_id"], 0) + line["amount"]
    total = sum([line["amount"] for line in grant.details["lines"]])
    return total - sum(grant.returned.values()), total


def _due(granted: Granted, grant: Grant, event: Event, kept: int, total: int) -> tuple[int, int]:
    """Points and growth that go back now, as ``ledger.rules.debt`` takes them back."""
    points = granted.points - (granted.points * kept // total if total else 0) - granted.points_taken
    growth = granted.growth - (granted.growth * kept // total if total else 0) - granted.growth_taken
    if granted.points_end_at is not None and granted.points_end_at <= event.recorded_at:
        # What had lapsed unused is forgiven. How much that was is known of the books alone.
        issued = recorded(grant.details, "POINT")
        points = min(points, granted.points * event.points_taken // issued if issued else 0)
    if granted.growth_ends_at is not None and granted.growth_ends_at <= event.recorded_at:
        growth = 0
    return max(points, 0), max(growth, 0)
