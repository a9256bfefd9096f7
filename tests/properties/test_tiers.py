"""Growth replay gives the stored tier: whatever the order of arrival, and however time is cut into steps."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import BEGINNING, Ladders
from ledger.accounts.policies import parse_policy
from ledger.accounts.tiers import (
    NO_TIER,
    TICK,
    TierEvent,
    TierState,
    advance,
    is_late,
    revise,
    settle,
)
from tests.ladders import SHANGHAI, at, ladders, tiers
from tests.model.tiers import Member as Slow
from tests.model.tiers import Ruling
from tests.profiles import examples

START = at("2027-11-20")
END = at("2031-06-01")
LEVELS = ({"member": 0, "silver": 100, "gold": 300}, {"member": 0, "plus": 80, "gold": 250, "top": 400})

# Few instants, so that things meet at one; many of them midnights, when periods and lots end.
instants = st.builds(
    lambda days, hours: START + timedelta(days=days, hours=hours),
    st.sampled_from([*range(0, 900, 60), 42, 73, 407, 408, 466, 467, 468]),
    st.sampled_from([0, 0, 0, 10, 15]),
)
windows = st.sampled_from(
    [
        {"kind": "never"},
        {"kind": "fixed_days", "days": 180},
        {"kind": "end_of_year", "months": 0},
        {"kind": "end_of_month", "months": 3},
    ]
)
periods = st.sampled_from(
    [
        {"kind": "never"},
        {"kind": "fixed_days", "days": 60},
        {"kind": "fixed_days", "days": 365},
        {"kind": "end_of_year", "months": 0},
        {"kind": "end_of_quarter", "months": 0},
    ]
)
ladder_terms = st.builds(
    lambda levels, rank, **changes: tiers(levels, floor=list(levels)[rank], **changes),
    st.sampled_from(LEVELS),
    st.sampled_from([0, 0, 1]),
    period=periods,
    landing=st.sampled_from(["soft", "hard"]),
    grace_days=st.sampled_from([0, 0, 1, 30]),
    protection_days=st.sampled_from([0, 0, 45]),
    return_policy=st.sampled_from(["immediate", "at_period_end"]),
)
days = st.integers(1, 900).map(lambda days: (START + timedelta(days=days)).date().isoformat())


class Arrival(NamedTuple):
    """A gain and what is taken from it later, of one lot."""

    lot: int
    change: Change


@st.composite
def histories(draw: Any) -> list[list[Arrival]]:
    """Lots, each with its gain first and then what is taken from it."""
    window = parse_policy(draw(windows))
    lots = []
    for lot in range(draw(st.integers(0, 7))):
        earned, amount = draw(instants), draw(st.integers(1, 260))
        ends_at = window.expires_at(earned, SHANGHAI)
        arrivals = [Arrival(lot, Change(earned, amount, ends_at))]
        for taken in draw(st.lists(st.integers(1, 260), max_size=2)):
            if taken <= amount:
                amount -= taken
                # Before the gain a return is refused; a clock a little ahead makes them meet.
                when = max(earned, draw(instants))
                arrivals.append(Arrival(lot, Change(when, -taken, ends_at)))
        lots.append(arrivals)
    return lots


@st.composite
def rulings(draw: Any) -> list[tuple[str, dict[str, Any] | None]]:
    """Up to three ladders, one after the other; at times none."""
    some = st.one_of(ladder_terms, ladder_terms, st.none())
    later = sorted(draw(st.lists(days, max_size=2, unique=True)))
    return [(day, draw(some)) for day in ["", *later]]


def schedules() -> st.SearchStrategy[Ladders]:
    return rulings().map(lambda told: ladders(*told))


class Member:
    """What the books know of a member: the settled state, the open lots, and every change so far."""

    def __init__(self, schedule: Ladders) -> None:
        self.ladders = schedule
        self.state = TierState(settled_at=START - timedelta(days=1), terms_version=1)
        self.lots: dict[int, Change] = {}
        self.history: list[Change] = []
        self.events: list[TierEvent] = []

    def hear(self, arrival: Arrival) -> None:
        """A change arrives: go on where that is right, else replay."""
        lot, change = arrival
        until = change.at if change.amount > 0 else change.at + TICK
        self.history.append(change)
        if is_late(self.state, self.ladders, change.at):
            settled = revise(self.state, Timeline(self.history), self.ladders, until, change.at)
        else:
            settled = advance(self.state, Timeline([*self.lots.values(), change]), self.ladders, until)
        self.state = settled.state
        self.events += settled.events
        before = self.lots.get(lot, change._replace(amount=0))
        self.lots[lot] = before._replace(amount=before.amount + change.amount)

    def wait(self, until: datetime) -> None:
        """The clock reaches ``until``, and what has lapsed is booked: its lots are closed."""
        settled = advance(self.state, Timeline(self.lots.values()), self.ladders, until)
        self.state = settled.state
        self.events += settled.events
        reached = self.state.settled_at or START
        for lot, change in self.lots.items():
            if change.ends_at is not None and change.ends_at <= reached:
                self.lots[lot] = change._replace(amount=0)


@examples(400)
@given(st.data(), histories(), schedules())
def test_any_order_of_arrival_and_any_steps_of_the_clock_end_at_the_tier_of_a_replay(
    data: st.DataObject, lots: list[list[Arrival]], schedule: Ladders
) -> None:
    member, queues = Member(schedule), [list(arrivals) for arrivals in lots]
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        member.hear(queue.pop(0))
        if data.draw(st.booleans()):
            member.wait(data.draw(instants))
    member.wait(END)
    everything = [arrival.change for arrivals in lots for arrival in arrivals]
    replayed, _ = settle(NO_TIER, Timeline(everything), schedule, END)
    assert member.state == replayed
    if member.state.code and member.events:
        assert member.events[-1].to_tier == member.state.code


@examples(200)
@given(histories(), schedules(), st.lists(instants, max_size=6))
def test_a_replay_may_be_cut_anywhere(
    lots: list[list[Arrival]], schedule: Ladders, cuts: list[datetime]
) -> None:
    timeline = Timeline(arrival.change for arrivals in lots for arrival in arrivals)
    state, events = NO_TIER, []
    for cut in [*sorted(cuts), END]:
        state, more = settle(state, timeline, schedule, cut)
        events += more
    assert (state, events) == settle(NO_TIER, timeline, schedule, END)


@examples(400)
@given(histories(), rulings(), instants)
def test_a_replay_is_what_a_slow_reading_of_the_rules_gives(
    lots: list[list[Arrival]], told: list[tuple[str, dict[str, Any] | None]], until: datetime
) -> None:
    read_slowly(lots, told, until)


def read_slowly(
    lots: list[list[Arrival]], told: list[tuple[str, dict[str, Any] | None]], until: datetime
) -> None:
    """The fold and the slow reading agree."""
    changes = [arrival.change for arrivals in lots for arrival in arrivals]
    slow = Slow(changes, [Ruling(at(day) if day else BEGINNING, stored) for day, stored in told], SHANGHAI)
    state, _ = settle(NO_TIER, Timeline(changes), ladders(*told), until)
    assert (state.code, state.since, state.ends_at, state.in_grace) == slow.live(until)


@examples(200)
@given(histories(), ladder_terms)
def test_nobody_stands_below_what_growth_has_reached_or_below_the_floor(
    lots: list[list[Arrival]], terms: dict[str, Any]
) -> None:
    schedule = ladders(("", terms))
    timeline = Timeline(arrival.change for arrivals in lots for arrival in arrivals)
    ladder = schedule.at(START).ladder
    assert ladder is not None
    _, events = settle(NO_TIER, timeline, schedule, END)
    for event in events:
        rank = ladder.rank_of(event.to_tier)
        assert rank is not None
        # The end of a period goes before the gains of its instant.
        assert rank >= ladder.reached(timeline.opening(event.effective_at)) or event.reason == "returned"
        before = ladder.rank_of(event.from_tier) if event.from_tier else None
        if before is not None and before > rank:
            assert rank >= ladder.floor
        assert event.ends_at is None or (event.ends_at > event.effective_at and rank > ladder.floor)
