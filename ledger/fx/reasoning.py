"""A recommendation in words: each step from the weeks to the rate, so that whoever decides can follow it."""

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from ledger.fx.band import (
    ELASTICITY,
    INTEGRAL,
    LOG_STEP_MAX,
    PROPORTIONAL,
    WINDOW_WEEKS,
    Reading,
    Recommendation,
    Situation,
)
from ledger.fx.band_settings import BandSettings
from ledger.fx.rates import show_rate
from ledger.fx.words import say
from ledger.rules.words import Text

_SHOWN: Final = Decimal("0.000001")


def steps_of(said: Recommendation, situation: Situation, start: date, end: date) -> list[dict[str, str]]:
    """The steps in order, each ``{"step", "en", "zh"}``. ``start`` and ``end`` are the first and last day looked at."""
    return [{"step": step, **text} for step, text in _steps(said, situation, start, end)]


def alarms_of(said: Recommendation) -> list[dict[str, str | None]]:
    """The alarms, each with the move that would be needed and its text."""
    return [
        {"code": alarm, "log_move": shown_share(said.log_needed), **_alarm(alarm, said.log_needed)}
        for alarm in said.alarms
    ]


def shown_share(number: Decimal | None) -> str | None:
    """A share or a logarithm as people read it: six digits after the point, rounded half to even."""
    return None if number is None else f"{number.quantize(_SHOWN, ROUND_HALF_EVEN):f}"


def _steps(said: Recommendation, situation: Situation, start: date, end: date) -> Iterator[tuple[str, Text]]:
    reading = said.reading
    yield (
        "window",
        say(
            "window",
            weeks=WINDOW_WEEKS,
            start=start,
            end=end,
            issued=reading.issued,
            redeemed=reading.redeemed,
        ),
    )
    yield "share", _share(reading, situation.settings)
    bounds = {"low": situation.settings.low, "high": situation.settings.high}
    yield "awake", say("awake.yes" if reading.is_awake else "awake.no", **bounds)
    yield from _move(said, situation)
    for block in said.blocked_by:
        yield "blocked", say(f"blocked.{block}", hours=situation.settings.lag_hours_max)
    changes = said.bid != situation.rate.bid
    key = "result.change" if changes else "result.stay"
    yield "result", say(key, bid=show_rate(said.bid), rate=show_rate(situation.rate.bid))


def _share(reading: Reading, settings: BandSettings) -> Text:
    if reading.share is None:
        return say("share.unknown", minimum=settings.minimum_volume)
    return say(
        "share.known",
        redeemed=reading.redeemed,
        issued=reading.issued,
        target=settings.target,
        share=shown_share(reading.share),
        error=shown_share(reading.error),
        previous=shown_share(reading.previous),
    )


def _move(said: Recommendation, situation: Situation) -> Iterator[tuple[str, Text]]:
    move, rate = said.move, situation.rate
    if move.log_step == 0:
        yield "move", say("move.none")
        return
    gains = {"proportional": PROPORTIONAL, "integral": INTEGRAL, "limit": LOG_STEP_MAX}
    yield "move", say("move.some", move=shown_share(move.log_step), **gains)
    yield (
        "bounds",
        say(
            "bounds",
            rate=show_rate(rate.bid),
            wanted=show_rate(move.wanted.quantize(Decimal(1).scaleb(-situation.digits), ROUND_HALF_EVEN)),
            floor=show_rate(rate.floor),
            ceiling=show_rate(rate.ceiling),
            step=show_rate(rate.max_step),
            bid=show_rate(move.bid),
        ),
    )


def _alarm(alarm: str, log_needed: Decimal | None) -> Text:
    if log_needed is None:
        return say("alarm.nothing_redeemed")
    return say(f"alarm.{alarm}", move=shown_share(log_needed), elasticity=ELASTICITY)
