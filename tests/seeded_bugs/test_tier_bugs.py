"""Bugs of thought about tiers: each is put into the ledger by one patch, and seen by one of the laws of tiers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from ledger.accounts import ladders, tiers, tracking
from ledger.accounts.growth import Timeline
from ledger.accounts.ladders import Ladder
from tests.profiles import profile
from tests.properties import test_tiers as reading
from tests.properties import test_tiers_in_books as books

Patch = pytest.MonkeyPatch
# One bug is enough, and as it is first seen.
LOOK = profile(5_000, report_multiple_bugs=False, phases=(Phase.generate,))


@LOOK
@given(reading.histories(), reading.rulings(), reading.instants)
def slow_reading(lots: Any, told: Any, until: datetime) -> None:
    reading.read_slowly(lots, told, until)


@LOOK
@given(st.data(), books.program_terms)
def shop(data: st.DataObject, changes: dict[str, Any]) -> None:
    books.live_through(data, changes)


def what_lapses_with_the_period_does_not_count(patch: Patch) -> None:
    patch.setattr(Timeline, "last_moment", Timeline.opening)


def what_is_taken_goes_before_what_is_gained(patch: Patch) -> None:
    patch.setattr(Timeline, "gained", Timeline.left)


def grace_is_granted_again_and_again(patch: Patch) -> None:
    real = tiers._Fold._judge

    def judge(self: Any, ladder: Ladder, at: datetime) -> None:
        if self.state.in_grace and len(self.events) < 50:
            self.state = self.state._replace(in_grace=False)
        real(self, ladder, at)

    patch.setattr(tiers._Fold, "_judge", judge)


def a_hard_landing_misses_the_floor(patch: Patch) -> None:
    real = tiers._Fold._move

    def move(self: Any, ladder: Ladder, rank: int, at: datetime, reason: Any, growth: int) -> None:
        real(self, ladder, ladder.reached(growth) if reason == "downgraded" else rank, at, reason, growth)

    patch.setattr(tiers._Fold, "_move", move)


def protection_is_forgotten(patch: Patch) -> None:
    patch.setattr(Ladder, "protected_until", lambda _, since, __: since)


def any_return_takes_the_tier(patch: Patch) -> None:
    patch.setattr(
        Timeline, "gained", lambda self, at: 10**9 if self.takings_within(at, at) else self.opening(at)
    )


def periods_are_cut_anew_by_other_terms(patch: Patch) -> None:
    real = tiers._Fold._translate

    def translate(self: Any, *arguments: Any) -> None:
        self.state = self.state._replace(ends_at=None)
        real(self, *arguments)

    patch.setattr(tiers._Fold, "_translate", translate)


def late_growth_goes_on_from_what_is_settled(patch: Patch) -> None:
    patch.setattr(tracking, "is_late", lambda state, some, _: not tiers.holds(state, some))


def terms_that_ruled_unseen_stay_unseen(patch: Patch) -> None:
    for module in (tiers, tracking):
        patch.setattr(module, "holds", lambda state, _: state.settled_at is not None)


def what_lapses_is_booked_before_it_is_judged(patch: Patch) -> None:
    real = tracking._changes
    patch.setattr(tracking, "_changes", lambda *arguments: (real(*arguments)[0], False))


def a_quiet_purchase_forgets_the_clock(patch: Patch) -> None:
    patch.setattr(tracking, "is_overtaken", lambda *_: False)


def a_quiet_purchase_forgets_its_own_growth(patch: Patch) -> None:
    real = tracking._is_quiet
    patch.setattr(tracking, "_is_quiet", lambda holder, some, at, _: real(holder, some, at, 0))


def the_latest_terms_have_always_ruled(patch: Patch) -> None:
    patch.setattr(ladders.Ladders, "at", lambda self, _: self.reigns[-1])


BUGS: tuple[tuple[Callable[[Patch], None], Callable[[], None]], ...] = (
    (what_lapses_with_the_period_does_not_count, slow_reading),
    (what_is_taken_goes_before_what_is_gained, slow_reading),
    (grace_is_granted_again_and_again, slow_reading),
    (a_hard_landing_misses_the_floor, slow_reading),
    (protection_is_forgotten, slow_reading),
    (any_return_takes_the_tier, slow_reading),
    (periods_are_cut_anew_by_other_terms, slow_reading),
    (the_latest_terms_have_always_ruled, slow_reading),
    (late_growth_goes_on_from_what_is_settled, shop),
    (terms_that_ruled_unseen_stay_unseen, shop),
    (what_lapses_is_booked_before_it_is_judged, shop),
    (a_quiet_purchase_forgets_the_clock, shop),
    (a_quiet_purchase_forgets_its_own_growth, shop),
)


@pytest.mark.parametrize(("plant", "law"), BUGS, ids=lambda each: getattr(each, "__name__", None))
def test_bug_is_seen_by_its_law(
    plant: Callable[[Patch], None], law: Callable[[], None], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, KeyError, tracking.HistoryMissing)):
        law()
