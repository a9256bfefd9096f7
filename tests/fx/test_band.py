"""The band controller by itself: when it wakes, how far it moves, what holds it, and what it never does."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.program import Program
from ledger.fx.band import (
    BLOCKS,
    COOL_DOWN,
    DATA_LAG,
    FROZEN,
    LOG_STEP_MAX,
    SWITCHED_OFF,
    TARGET_UNREACHABLE,
    VOLUME,
    Reading,
    Situation,
    Week,
    last_reading,
    log_step_of,
    moved,
    readings,
    recommend,
)
from ledger.fx.band_settings import DEFAULT_BAND, band_of
from tests.fx.simulation import SETTINGS
from tests.fx.versions import version

DIGITS = 8
RATE = version(1, 0, "0.01")


def steady(share: str, count: int = 8) -> list[Week]:
    """Weeks that are all alike."""
    return [Week(100_000, int(100_000 * Decimal(share)))] * count


def situation(series: list[Week], **changes: Any) -> Situation:
    parts: dict[str, Any] = {
        "settings": SETTINGS,
        "weeks": series,
        "rate": RATE,
        "blocks": frozenset(),
        "digits": DIGITS,
        **changes,
    }
    return Situation(**parts)


def test_the_settings_of_terms_without_a_band_are_the_defaults() -> None:
    plain = band_of(Program(1, "shop", "CNY", "UTC", 1, "{}"))
    assert plain == SETTINGS
    changed = band_of(Program(1, "shop", "CNY", "UTC", 1, '{"band": {"target": "0.25", "low": "0.20"}}'))
    assert (changed.target, changed.low, changed.high) == (Decimal("0.25"), Decimal("0.20"), Decimal("0.32"))
    assert changed.lag_max.total_seconds() == DEFAULT_BAND["lag_hours_max"] * 3_600


def test_the_share_is_of_the_last_four_weeks() -> None:
    series = [Week(100, 100), Week(100, 0), Week(200, 20), Week(300, 30), Week(400, 200)]
    settings = SETTINGS._replace(minimum_volume=1)
    first, second = readings(series, settings)
    assert (first.issued, first.redeemed) == (700, 150)
    assert (second.issued, second.redeemed, second.share) == (1_000, 250, Decimal("0.25"))
    assert second.error is not None and abs(second.error - Decimal(1) / 6) < Decimal("1E-25")
    assert second.previous == first.error


def test_without_a_whole_window_nothing_is_known() -> None:
    assert last_reading(steady("0.10", 3), SETTINGS) == Reading(0, 0, None, None, None, is_awake=False)
    assert recommend(situation(steady("0.10", 3))).blocked_by == (VOLUME,)


@pytest.mark.parametrize(
    ("share", "wakes"),
    [("0.28", False), ("0.27999", True), ("0.32", False), ("0.32001", True), ("0.30", False), ("0", True)],
)
def test_it_wakes_beyond_the_band_and_not_at_its_edge(share: str, wakes: bool) -> None:
    assert last_reading(steady(share), SETTINGS).is_awake is wakes


@pytest.mark.parametrize("way", [-1, 1])
def test_it_sleeps_again_only_half_the_way_back(way: int) -> None:
    def window(distance: str) -> list[Week]:
        return steady(str(Decimal("0.30") + way * Decimal(distance)), 4)

    # The last reading after each: out of the band, back inside, at half the way, and nearer.
    assert last_reading(window("0.05"), SETTINGS).is_awake
    assert last_reading(window("0.05") + window("0.015"), SETTINGS).is_awake
    assert last_reading(window("0.05") + window("0.01"), SETTINGS).is_awake
    assert not last_reading(window("0.05") + window("0.00999"), SETTINGS).is_awake
    assert not last_reading(window("0.05") + window("0.00999") + window("0.015"), SETTINGS).is_awake


def test_a_week_that_tells_nothing_leaves_it_as_it_was() -> None:
    low, nothing = steady("0.20", 4), [Week(0, 0)] * 4
    asleep, woken = last_reading(nothing, SETTINGS), last_reading(low + nothing, SETTINGS)
    assert (asleep.is_awake, woken.is_awake) == (False, True)
    assert woken.share is None and woken.previous is not None
    after = last_reading(low + nothing + low, SETTINGS)
    assert after.is_awake and after.error == after.previous


@pytest.mark.parametrize(("issued", "tells"), [(2_499, False), (2_500, True)])
def test_fewer_points_than_the_minimum_tell_nothing(issued: int, tells: bool) -> None:
    said = recommend(situation([Week(issued, 0)] * 4))
    assert (said.reading.share is not None) is tells
    assert said.blocked_by == (() if tells else (VOLUME,))


def test_no_points_at_all_divide_nothing() -> None:
    settings = SETTINGS._replace(minimum_volume=1)
    assert last_reading([Week(0, 5)] * 4, settings).share is None
    assert last_reading([Week(-10, 5)] * 4, settings).share is None


def test_the_move_is_proportional_to_the_change_and_to_what_is_missing() -> None:
    def step(error: str, previous: str, *, is_awake: bool = True) -> Decimal:
        return log_step_of(Reading(1, 1, Decimal(1), Decimal(error), Decimal(previous), is_awake))

    assert step("0.10", "0.10") == Decimal("0.015")
    assert step("0.10", "0.09") == Decimal("0.018")
    assert step("-0.10", "-0.09") == Decimal("-0.018")
    assert step("0.10", "0.15") == 0
    assert step("0.10", "0.10", is_awake=False) == 0
    assert step("1", "0") == LOG_STEP_MAX
    assert step("-9", "0") == -LOG_STEP_MAX


def test_a_low_share_raises_the_rate_and_a_high_one_lowers_it() -> None:
    assert recommend(situation(steady("0.20"))).bid == Decimal("0.01020201")
    assert recommend(situation(steady("0.40"))).bid == Decimal("0.00980199")
    assert recommend(situation(steady("0.30"))).bid == RATE.bid


def test_the_logarithm_is_exact_to_more_digits_than_any_rate_has() -> None:
    # e^0.02 by its series, to 30 digits.
    exact = Decimal("1.02020134002675581016014392887")
    assert abs(moved(RATE, Decimal("0.02"), 20).bid - exact / 100) < Decimal("1E-20")


@pytest.mark.parametrize(
    ("log_step", "changes", "bid"),
    [
        ("0.02", {"max_step": "0.01"}, "0.01010000"),
        ("-0.02", {"max_step": "0.01"}, "0.00990000"),
        ("0.02", {"ceiling": "0.0101"}, "0.01010000"),
        ("-0.02", {"floor": "0.0099"}, "0.00990000"),
        # Bounds with more digits than a rate are rounded inwards.
        ("0.02", {"max_step": "0.000001"}, "0.01000001"),
        ("0.02", {"max_step": "0.0000009"}, "0.01"),
        ("-0.02", {"max_step": "0.0000009"}, "0.01"),
        ("0", {}, "0.01"),
    ],
)
def test_floor_ceiling_and_step_hold(log_step: str, changes: dict[str, str], bid: str) -> None:
    rate = version(1, 0, "0.01", **changes)
    assert moved(rate, Decimal(log_step), DIGITS).bid == Decimal(bid)


@pytest.mark.parametrize("block", [SWITCHED_OFF, FROZEN, DATA_LAG, COOL_DOWN])
def test_whatever_blocks_it_the_rate_in_force_is_recommended(block: str) -> None:
    said = recommend(situation(steady("0.20"), blocks=frozenset({block})))
    assert (said.bid, said.blocked_by) == (RATE.bid, (block,))
    # What it would do is told all the same.
    assert said.move.bid > RATE.bid


def test_all_that_blocks_is_told_in_one_order() -> None:
    said = recommend(situation([Week(0, 0)] * 8, blocks=frozenset(BLOCKS) - {VOLUME}))
    assert said.blocked_by == BLOCKS


@pytest.mark.parametrize(
    ("share", "bid", "is_pinned"),
    [
        ("0.20", "0.02", True),
        ("0.20", "0.01999999", False),
        ("0.20", "0.005", False),
        ("0.40", "0.005", True),
        ("0.40", "0.02", False),
        ("0.30", "0.02", False),
    ],
)
def test_the_alarm_is_for_a_rate_at_its_bound_that_wants_to_go_beyond(
    share: str, bid: str, is_pinned: bool
) -> None:
    said = recommend(situation(steady(share), rate=version(1, 0, bid)))
    assert said.alarms == ((TARGET_UNREACHABLE,) if is_pinned else ())
    assert (said.log_needed is not None) is is_pinned


def test_the_alarm_tells_how_far_it_would_have_to_go() -> None:
    said = recommend(situation(steady("0.20"), rate=version(1, 0, "0.02")))
    assert said.log_needed is not None
    assert abs(said.log_needed - Decimal("0.4054651081081643819780131155")) < Decimal("1E-25")


def test_where_nothing_is_redeemed_no_move_would_be_known_to_do() -> None:
    said = recommend(situation(steady("0"), rate=version(1, 0, "0.02")))
    assert (said.alarms, said.log_needed) == ((TARGET_UNREACHABLE,), None)


def test_a_frozen_rate_still_raises_the_alarm_and_a_dead_controller_does_not() -> None:
    pinned = {"rate": version(1, 0, "0.02")}
    for block, alarms in ((FROZEN, 1), (COOL_DOWN, 1), (SWITCHED_OFF, 0), (DATA_LAG, 0)):
        said = recommend(situation(steady("0.20"), blocks=frozenset({block}), **pinned))
        assert len(said.alarms) == alarms, block


# --- laws ----------------------------------------------------------------------------------------


series_of_weeks = st.lists(
    st.builds(Week, st.integers(-1_000, 10**6), st.integers(-1_000, 10**6)), min_size=0, max_size=60
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any weeks, any rate within its bounds, anything that blocks."""
    floor, bid, ceiling = sorted(draw(st.integers(1, 10**7)) for _ in range(3))
    rate = version(1, 0)._replace(
        floor=Decimal(floor).scaleb(-DIGITS),
        bid=Decimal(bid).scaleb(-DIGITS),
        ceiling=Decimal(ceiling).scaleb(-DIGITS),
        max_step=Decimal(draw(st.integers(1, 10**6))).scaleb(-6),
    )
    blocks = draw(st.frozensets(st.sampled_from([SWITCHED_OFF, FROZEN, DATA_LAG, COOL_DOWN]), max_size=2))
    settings = SETTINGS._replace(minimum_volume=draw(st.integers(1, 10**5)))
    return Situation(settings, draw(series_of_weeks), rate, blocks, DIGITS)


@given(situations())
def test_it_never_goes_beyond_floor_ceiling_or_step(given_: Situation) -> None:
    said, rate = recommend(given_), given_.rate
    assert rate.floor <= said.bid <= rate.ceiling
    assert abs(said.bid - rate.bid) <= rate.bid * rate.max_step
    # And a step of the logarithm is no more than about two in a hundred, and half of the last digit.
    assert abs(said.bid / rate.bid - 1) * rate.bid <= rate.bid * Decimal("0.0203") + Decimal("5E-9")


@given(situations())
def test_its_rate_has_no_more_digits_than_can_be_booked(given_: Situation) -> None:
    assert recommend(given_).bid == recommend(given_).bid.quantize(Decimal(1).scaleb(-DIGITS))


@given(situations())
def test_blocked_or_content_it_recommends_the_rate_in_force(given_: Situation) -> None:
    said = recommend(given_)
    if said.blocked_by or not said.reading.is_awake:
        assert said.bid == given_.rate.bid


@given(situations())
def test_it_moves_towards_the_target_or_not_at_all_when_nothing_changes(given_: Situation) -> None:
    last = given_.weeks[-1] if given_.weeks else Week(100, 30)
    said = recommend(given_._replace(weeks=[last] * 8, blocks=frozenset()))
    if said.reading.error is not None:
        assert (said.bid - given_.rate.bid) * said.reading.error >= 0


@given(situations())
def test_the_same_books_give_the_same_recommendation(given_: Situation) -> None:
    assert recommend(given_) == recommend(given_._replace(weeks=tuple(given_.weeks)))


@given(series_of_weeks)
def test_whether_it_is_awake_is_known_after_any_week_by_the_weeks_before(series: list[Week]) -> None:
    seen = list(readings(series, SETTINGS))
    for end in range(4, len(series) + 1):
        assert last_reading(series[:end], SETTINGS) == seen[end - 4]
