"""Two members who are merged have what one member would have who had done all that both did.

Whatever they buy and bring back, before and after they are merged and in whosever name: the same points, the same
growth, and the same tier since the same day. Parted again, each has what he would have had alone.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.funds.commands import Authority
from ledger.merging.commands import Merge, Unmerge
from tests.builders import Bench, earning, fresh, give_back, program, purchase
from tests.ladders import tiers
from tests.model.memory import MemoryDriver
from tests.profiles import examples

BY = Authority("apr", "maker", "checker")
ONE, OTHER = "ann", "bea"


class Bought(NamedTuple):
    """A purchase: by which of the two, for how many yuan, so many days after the one before; and what goes back."""

    by_other: bool
    yuan: int
    days: int
    returned: int
    """In hundredths of it, on the last day of all."""


HISTORIES = st.lists(
    st.builds(
        Bought,
        st.booleans(),
        st.sampled_from([1, 40, 60, 100, 250]),
        st.sampled_from([0, 1, 9, 30, 80]),
        st.sampled_from([0, 0, 0, 50, 100]),
    ),
    min_size=1,
    max_size=8,
)
PROGRAMS = st.builds(
    lambda life, period, landing, policy, grace: {
        "growth_expiry": life,
        "tiers": tiers(
            {"member": 0, "silver": 100, "gold": 250},
            period=period,
            landing=landing,
            return_policy=policy,
            grace_days=grace,
        ),
    },
    st.sampled_from(
        [{"kind": "never"}, {"kind": "fixed_days", "days": 45}, {"kind": "end_of_year", "months": 0}]
    ),
    st.sampled_from(
        [{"kind": "never"}, {"kind": "fixed_days", "days": 20}, {"kind": "end_of_year", "months": 0}]
    ),
    st.sampled_from(["soft", "hard"]),
    st.sampled_from(["immediate", "at_period_end"]),
    st.sampled_from([0, 5]),
)


def live(
    bench: Bench, history: list[Bought], names: tuple[str, str], merged_before: int | None = None
) -> None:
    """Let the two do what they did, be merged before the purchase of that number, and bring back at the end."""
    for member in (ONE, OTHER):
        bench.must(purchase(0, member=member, at=bench.now))
    sold = []
    for number, (by_other, yuan, days, returned) in enumerate(history):
        bench.now += timedelta(days=days)
        if number == merged_before:
            bench.must(Merge(ONE, OTHER, BY))
        name = names[by_other]
        if name:
            bought = bench.must(purchase(yuan * 100, member=name, purchase_id=fresh("p"), at=bench.now))
            sold.append((bought["purchase_id"], yuan * returned))
    bench.now += timedelta(days=1)
    if merged_before is not None and merged_before >= len(history):
        bench.must(Merge(ONE, OTHER, BY))
    for name, fen in sold:
        if fen:
            bench.must(give_back(name, fen, at=bench.now))
    bench.now += timedelta(days=1)


def told(bench: Bench, member: str) -> Any:
    """What a member has: points, growth and tier."""
    balance = bench.must(earning(1, member=member))["balance"]
    return balance["points"]["available"], balance["growth"], balance["tier"]


@examples(100)
@given(chosen=PROGRAMS, history=HISTORIES, merged_before=st.integers(0, 8))
def test_two_who_are_merged_are_as_one(
    chosen: dict[str, Any], history: list[Bought], merged_before: int
) -> None:
    two, one = (Bench(MemoryDriver(program(**chosen))) for _ in range(2))
    live(two, history, (ONE, OTHER), merged_before)
    live(one, history, (ONE, ONE))
    assert told(two, ONE) == told(one, ONE)
    two.check()


@examples(60)
@given(chosen=PROGRAMS, history=HISTORIES)
def test_two_who_are_parted_are_as_they_were(chosen: dict[str, Any], history: list[Bought]) -> None:
    both = Bench(MemoryDriver(program(**chosen)))
    live(both, history, (ONE, OTHER), len(history))
    both.must(Unmerge(ONE, OTHER, BY))
    for member, names in ((ONE, (ONE, "")), (OTHER, ("", OTHER))):
        alone = Bench(MemoryDriver(program(**chosen)))
        live(alone, history, names)
        assert told(both, member) == told(alone, member)
    both.check()
