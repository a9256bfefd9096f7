"""What is foretold of a tier is what comes, when nothing is added; and every reason reads as a sentence."""

from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import ladders_of
from ledger.accounts.tiers import NO_TIER, Reason, TierEvent, TierState, settle
from ledger.rules.tier_explanation import Recorded, decline, history_explained
from tests.builders import NOW, program
from tests.ladders import tiers
from tests.profiles import examples

LEVELS = {"member": 0, "silver": 100, "gold": 250, "diamond": 600}
YEARS = timedelta(days=4_000)

ladder_terms = st.builds(
    lambda **changes: tiers(LEVELS, **changes),
    period=st.sampled_from(
        [{"kind": "never"}, {"kind": "fixed_days", "days": 20}, {"kind": "end_of_year", "months": 0}]
    ),
    landing=st.sampled_from(["soft", "hard"]),
    grace_days=st.sampled_from([0, 7]),
    protection_days=st.sampled_from([0, 45]),
    floor=st.sampled_from(["member", "silver"]),
)
gains = st.lists(
    st.builds(
        lambda hours, amount, lasts: Change(
            NOW - timedelta(hours=hours), amount, lasts and NOW + timedelta(days=lasts)
        ),
        st.integers(0, 5_000),
        st.integers(1, 400),
        st.sampled_from([None, 3, 30, 400]),
    ),
    max_size=5,
)


@examples(300)
@given(ladder_terms, gains)
def test_nothing_happens_that_was_not_foretold(terms: dict[str, object], changes: list[Change]) -> None:
    ladders = ladders_of(program(tiers=terms))
    timeline = Timeline(changes)
    state, _ = settle(NO_TIER, timeline, ladders, NOW)
    _, events = settle(state, timeline, ladders, NOW + YEARS)
    # Of periods one after the other for which it is kept, the first.
    told = [
        event
        for before, event in zip([None, *events], events, strict=False)
        if not (before and before.reason == event.reason == "kept")
    ]
    assert decline(state, timeline, ladders) == told


def test_a_tier_that_nothing_can_take_has_no_outlook() -> None:
    ladders = ladders_of(program(tiers=tiers(LEVELS)))
    assert decline(NO_TIER, Timeline([]), ladders) == []
    assert decline(TierState("member", NOW, None, False, 1, NOW), Timeline([]), ladders) == []


TOLD: list[tuple[Reason, str | None, str, str, str]] = [
    ("entered", None, "silver", "silver entered with growth value 70", "成长值 70，成为silver"),
    (
        "upgraded",
        "member",
        "silver",
        "raised from member to silver: growth value 70, 100 needed",
        "由member升为silver：成长值 70，达到所需的 100",
    ),
    (
        "kept",
        "silver",
        "silver",
        "silver kept: growth value 70 when it was judged, 100 needed",
        "保级成功，继续为silver：评定时成长值 70，达到所需的 100",
    ),
    (
        "grace",
        "silver",
        "silver",
        "silver stays until the end of 31 January 2026: growth value 70 when the period ended, 100 needed;"
        " reach it by then to keep the tier",
        "silver宽限至2026年1月31日：期满时成长值 70，低于所需的 100；在此之前补足即可保级",
    ),
    (
        "downgraded",
        "gold",
        "silver",
        "lowered from gold to silver: growth value 70 when the period ended, gold needs 250",
        "由gold降为silver：期满时成长值 70，低于gold所需的 250",
    ),
    (
        "returned",
        "silver",
        "member",
        "lowered from silver to member: growth value 70 after a return, silver needs 100",
        "由silver降为member：退货后成长值 70，低于silver所需的 100",
    ),
    (
        "terms_changed",
        "gold",
        "silver",
        "from gold to silver: the rules of the program changed",
        "会员规则调整，由gold变为silver",
    ),
    (
        "terms_changed",
        "silver",
        "silver",
        "silver stays: the rules of the program changed",
        "会员规则调整，silver不变，有效期更新",
    ),
    (
        "late_event",
        "member",
        "silver",
        "from member to silver: something that happened earlier was recorded late",
        "补记了较早发生的业务，由member调整为silver",
    ),
    (
        "late_event",
        "silver",
        "silver",
        "silver stays, with another period: something that happened earlier was recorded late",
        "补记了较早发生的业务，silver不变，有效期更新",
    ),
    (
        "merged",
        "member",
        "silver",
        "from member to silver: another account of the same member was merged into this one",
        "同一会员的另一账户已合并到本账户，由member调整为silver",
    ),
    (
        "merged",
        "silver",
        "silver",
        "silver stays, with another period: another account of the same member was merged into this one",
        "同一会员的另一账户已合并到本账户，silver不变，有效期更新",
    ),
    (
        "unmerged",
        "silver",
        "member",
        "from silver to member: an account that had been merged into this one was parted from it",
        "曾合并到本账户的账户已拆分，由silver调整为member",
    ),
    (
        "unmerged",
        "silver",
        "silver",
        "silver stays, with another period: an account that had been merged into this one was parted from it",
        "曾合并到本账户的账户已拆分，silver不变，有效期更新",
    ),
]


@pytest.mark.parametrize(("reason", "before", "after", "english", "chinese"), TOLD)
def test_every_reason_reads_as_a_sentence(
    reason: Reason, before: str | None, after: str, english: str, chinese: str
) -> None:
    own = program(tiers=tiers(LEVELS))
    ends_at = datetime.fromisoformat("2026-02-01T00:00:00+08:00")
    event = TierEvent(NOW, before, after, reason, 70, ends_at, 1)
    (told,) = history_explained(own, ladders_of(own), [Recorded(event)])
    assert told["explanation"] == {"en": english, "zh": chinese}
    assert (told["from"], told["to"], told["recorded_at"]) == (before, after, None)


def test_no_reason_is_left_out() -> None:
    assert {reason for reason, *_ in TOLD} == set(get_args(Reason))
