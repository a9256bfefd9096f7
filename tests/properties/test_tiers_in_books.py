"""The tier that the journal stores is the tier that a replay of the member's growth gives, after every batch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from ledger.accounts.growth import Timeline
from ledger.accounts.ladders import ladders_of
from ledger.accounts.tiers import NO_TIER, settle
from ledger.expiry.commands import JudgeTier
from ledger.journal.commands import Command
from ledger.rules.commands import Purchase
from tests.builders import NOW, Bench, earning, expire, give_back, program, purchase, redeem, reverse, terms
from tests.ladders import tiers
from tests.model.memory import MemoryDriver
from tests.profiles import examples

LEVELS = {"member": 0, "silver": 100, "gold": 250}
MEMBERS = ("m-1", "m-2")

ladder_terms = st.builds(
    lambda **changes: tiers(LEVELS, **changes),
    period=st.sampled_from(
        [{"kind": "never"}, {"kind": "fixed_days", "days": 20}, {"kind": "end_of_month", "months": 0}]
    ),
    landing=st.sampled_from(["soft", "hard"]),
    grace_days=st.sampled_from([0, 7]),
    protection_days=st.sampled_from([0, 10]),
    return_policy=st.sampled_from(["immediate", "at_period_end"]),
)
without_tiers = {
    "growth_expiry": st.sampled_from(
        [{"kind": "never"}, {"kind": "fixed_days", "days": 12}, {"kind": "fixed_days", "days": 25}]
    ),
    "points_expiry": st.sampled_from(
        [{"kind": "end_of_month", "months": 1}, {"kind": "rolling", "months": 1}]
    ),
}
with_tiers = st.fixed_dictionaries(without_tiers | {"tiers": ladder_terms})
program_terms = st.one_of(with_tiers, with_tiers, with_tiers, st.fixed_dictionaries(without_tiers))
# Late, at the very time of something else, on time, and a little ahead.
times = st.sampled_from([-40, -13, -2, -1, 0, 0, 0]).map(lambda days: timedelta(days=days))
skews = st.sampled_from([timedelta(), timedelta(minutes=-3), timedelta(minutes=4)])


class Shop:
    """Commands against what was bought so far."""

    def __init__(self, data: st.DataObject, bench: Bench) -> None:
        self.draw = data.draw
        self.bench = bench
        self.bought: list[tuple[str, str, int, datetime]] = []

    def commands(self) -> list[Command]:
        return [self.command() for _ in range(self.draw(st.integers(1, 4)))]

    def command(self) -> Command:
        kind = self.draw(
            st.sampled_from(["buy", "buy", "buy", "return", "reverse", "earn", "redeem", "expire", "judge"])
        )
        member, now = self.draw(st.sampled_from(MEMBERS)), self.bench.now
        when = now + self.draw(times) + self.draw(skews)
        if kind == "buy":
            return purchase(self.draw(st.integers(1, 25_000)), member=member, at=when)
        if kind == "return" and self.bought:
            name, _, amount, bought_at = self.draw(st.sampled_from(self.bought))
            return give_back(name, self.draw(st.integers(1, amount)), at=max(bought_at, when))
        if kind == "reverse" and self.bought:
            return reverse(self.draw(st.sampled_from(self.bought))[1])
        if kind == "judge":
            return JudgeTier(member, now)
        if kind == "redeem":
            return redeem(1, member=member)
        return expire(member, until=now) if kind == "expire" else earning(5, member=member)

    def post(self, commands: Sequence[Command]) -> None:
        for command, answer in zip(commands, self.bench.post(*commands), strict=True):
            note(f"{self.bench.now} {command} {answer.code}")
            if isinstance(command, Purchase) and answer.body is not None:
                entry, amount = answer.body["entry_id"], command.lines[0].amount
                self.bought.append((command.purchase_id, entry, amount, command.occurred_at))


@examples(300)
@given(st.data(), program_terms)
def test_stored_tier_is_that_of_a_replay(data: st.DataObject, changes: dict[str, Any]) -> None:
    live_through(data, changes)


def live_through(data: st.DataObject, changes: dict[str, Any]) -> None:
    """Some weeks of a shop, with its tiers checked after every batch."""
    driver = MemoryDriver(program(**changes))
    bench = Bench(driver, NOW)
    shop = Shop(data, bench)
    for _ in range(data.draw(st.integers(3, 12))):
        if data.draw(st.integers(0, 5)) == 0:
            driver.change_terms(terms(**data.draw(program_terms)), bench.now)
        shop.post(shop.commands())
        check(driver, bench.now)
        bench.now += data.draw(
            st.sampled_from([timedelta(), timedelta(minutes=1), timedelta(days=5), timedelta(days=16)])
        )


def check(driver: MemoryDriver, now: datetime) -> None:
    ladders = ladders_of(driver.program)
    loaded = driver._load([], now)
    loaded.holders = {i: holder for i, holder in driver.holders.items() if holder.is_member}
    driver._give_histories(loaded, list(loaded.holders))
    for holder in loaded.holders.values():
        if holder.tier.settled_at is None:
            # Nothing was posted since tiers came.
            assert holder.tier == NO_TIER
            continue
        if holder.tier.terms_version != ladders.at(holder.tier.settled_at).version:
            continue
        timeline = Timeline(holder.growth_history or [])
        assert holder.tier == settle(NO_TIER, timeline, ladders, holder.tier.settled_at)[0], holder.member_id
        told = driver.tier_events.get(holder.holder_id)
        assert not told or told[-1][-2] == (holder.tier.code or told[-1][-2])
