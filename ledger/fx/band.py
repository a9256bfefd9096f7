"""The band controller: from what was issued and redeemed, week by week, to the rate that it would have.

A controller of the proportional and integral kind in velocity form: it moves the logarithm of the rate a little each
week, by how far the redemption rate is from its target and by how much that has changed. It keeps no state beside the
rate: nothing winds up at a bound, and whether it is awake follows from the weeks alone. So what it recommends can be
worked out again from the books. Decimals throughout, under one context; nothing here changes a rate.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Final, NamedTuple

from ledger.accounts.program import RateVersion
from ledger.fx.band_settings import BandSettings

ARITHMETIC: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""The same digits on every machine: logarithms and exponentials of decimals are rounded correctly."""

PROPORTIONAL: Final = Decimal("0.30")
INTEGRAL: Final = Decimal("0.15")
LOG_STEP_MAX: Final = Decimal("0.02")
"""By how much the logarithm of the rate moves in a week at most: about two in a hundred."""

ELASTICITY: Final = Decimal(1)
"""What an alarm assumes: one per cent more value lets one per cent more be redeemed. Nobody has measured it here."""

WINDOW_WEEKS: Final = 4
SERIES_WEEKS: Final = 60
"""Weeks from which it follows whether the controller is awake."""

SWITCHED_OFF: Final = "switched_off"
FROZEN: Final = "frozen"
VOLUME: Final = "volume"
DATA_LAG: Final = "data_lag"
COOL_DOWN: Final = "cool_down"
BLOCKS: Final = (SWITCHED_OFF, FROZEN, VOLUME, DATA_LAG, COOL_DOWN)
"""Why nothing but the rate in force may be recommended, in the order in which it is told."""

TARGET_UNREACHABLE: Final = "target_unreachable"


class Week(NamedTuple):
    """Points issued and redeemed in one week, each net of what was taken back."""

    issued: int
    redeemed: int


class Reading(NamedTuple):
    """What the controller sees at the end of a week: its window, and what it makes of it."""

    issued: int
    redeemed: int
    share: Decimal | None
    """Redeemed to issued, in the window; None where too little was issued to tell."""
    error: Decimal | None
    """How far the share is below the target, as a share of the target."""
    previous: Decimal | None
    """The same, of the last week before in which it could be told."""
    is_awake: bool


class Move(NamedTuple):
    """Where the rate would go: what was wanted, and what floor, ceiling, step and digits leave of it."""

    log_step: Decimal
    wanted: Decimal
    bid: Decimal
    is_pinned: bool
    """Whether the rate stands at its floor or its ceiling and the controller wants to go beyond."""


class Situation(NamedTuple):
    """All that a recommendation follows from."""

    settings: BandSettings
    weeks: Sequence[Week]
    rate: RateVersion
    blocks: frozenset[str]
    """Those of ``BLOCKS`` that the weeks do not tell: switches, the age of the data, a change in this week."""
    digits: int
    """Digits after the point that a rate may have."""


class Recommendation(NamedTuple):
    """What the controller says: the rate in force where it is blocked or content."""

    reading: Reading
    move: Move
    blocked_by: tuple[str, ...]
    bid: Decimal
    log_needed: Decimal | None
    """With the alarm: by how much the logarithm of the rate would have to move, at the assumed elasticity."""
    alarms: tuple[str, ...]


def recommend(situation: Situation) -> Recommendation:
    """The rate for the present week. Never beyond floor, ceiling or step; the rate in force where anything blocks."""
    reading = last_reading(situation.weeks, situation.settings)
    move = moved(situation.rate, log_step_of(reading), situation.digits)
    blocks = situation.blocks | ({VOLUME} if reading.share is None else set())
    blocked_by = tuple(block for block in BLOCKS if block in blocks)
    is_alarming = move.is_pinned and not blocks & {SWITCHED_OFF, VOLUME, DATA_LAG}
    return Recommendation(
        reading,
        move,
        blocked_by,
        situation.rate.bid if blocked_by else move.bid,
        log_needed(reading, situation.settings) if is_alarming else None,
        (TARGET_UNREACHABLE,) if is_alarming else (),
    )


def last_reading(weeks: Sequence[Week], settings: BandSettings) -> Reading:
    """What is seen at the end of the last week, after all weeks before it."""
    nothing = Reading(0, 0, None, None, None, is_awake=False)
    return deque((nothing, *readings(weeks, settings)), maxlen=1)[0]


def readings(weeks: Sequence[Week], settings: BandSettings) -> Iterable[Reading]:
    """What is seen at the end of each week of the series, from the first whole window on.

    A week whose window tells nothing leaves everything as it was: the controller neither wakes nor falls asleep.
    """
    is_awake, previous = False, None
    for end in range(WINDOW_WEEKS, len(weeks) + 1):
        window = weeks[end - WINDOW_WEEKS : end]
        issued, redeemed = sum(week.issued for week in window), sum(week.redeemed for week in window)
        if issued < max(settings.minimum_volume, 1):
            yield Reading(issued, redeemed, None, None, previous, is_awake)
            continue
        share = ARITHMETIC.divide(Decimal(redeemed), Decimal(issued))
        error = ARITHMETIC.divide(settings.target - share, settings.target)
        is_awake = stays_awake(share, settings, is_awake=is_awake)
        yield Reading(issued, redeemed, share, error, error if previous is None else previous, is_awake)
        previous = error


def stays_awake(share: Decimal, settings: BandSettings, *, is_awake: bool) -> bool:
    """Whether the controller is awake: woken beyond the band, asleep again half the way back to the target.

    Between the two nothing changes. Without that gap the noise of every week would move the rate.
    """
    edge = settings.low if share < settings.target else settings.high
    distance, reach = abs(share - settings.target), abs(edge - settings.target)
    if distance > reach:
        return True
    return is_awake and 2 * distance >= reach


def log_step_of(reading: Reading) -> Decimal:
    """By how much the logarithm of the rate should move; nothing while the controller sleeps or cannot tell."""
    if not reading.is_awake or reading.error is None or reading.previous is None:
        return Decimal(0)
    change = reading.error - reading.previous
    wanted = ARITHMETIC.add(
        ARITHMETIC.multiply(PROPORTIONAL, change), ARITHMETIC.multiply(INTEGRAL, reading.error)
    )
    return max(-LOG_STEP_MAX, min(wanted, LOG_STEP_MAX))


def moved(rate: RateVersion, log_step: Decimal, digits: int) -> Move:
    """The rate after such a move, within floor, ceiling and step, rounded half to even to so many digits.

    The bounds are rounded inwards, so that rounding leads beyond none of them.
    """
    unit = Decimal(1).scaleb(-digits)
    wanted = ARITHMETIC.exp(ARITHMETIC.add(ARITHMETIC.ln(rate.bid), log_step)) if log_step else rate.bid
    step = rate.bid * rate.max_step
    low = max(rate.floor, rate.bid - step).quantize(unit, ROUND_CEILING)
    high = min(rate.ceiling, rate.bid + step).quantize(unit, ROUND_FLOOR)
    bid = max(low, min(wanted.quantize(unit, ROUND_HALF_EVEN), high))
    is_pinned = (log_step > 0 and rate.bid == rate.ceiling) or (log_step < 0 and rate.bid == rate.floor)
    return Move(log_step, wanted, bid, is_pinned)


def log_needed(reading: Reading, settings: BandSettings) -> Decimal | None:
    """By how much the logarithm of the rate is off its target, at the assumed elasticity; None where nobody redeems."""
    if reading.share is None or reading.share <= 0:
        return None
    ratio = ARITHMETIC.divide(settings.target, reading.share)
    return ARITHMETIC.divide(ARITHMETIC.ln(ratio), ELASTICITY)
