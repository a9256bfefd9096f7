"""The versions of a program's rate in time: which counts when, and whether a new one may stand among the others.

A rate never changes; another begins. So any past moment has its rate for ever. Of two neighbours in time the one that
was there first decides how far they may lie apart: nobody loosens the step and uses it at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final

from ledger.accounts.program import Program, RateVersion, Rules
from ledger.errors import RateAskBelowBid, RateOutOfBounds, RateStepExceeded, RateUnknown
from ledger.money import exponent

MICRO_DIGITS: Final = 6
"""Digits after the point of a minor unit: in millionths of one, any points are worth a whole number."""

RATE_MAX: Final = Decimal(1_000_000)
"""The most that a point may be worth, in major units: arithmetic on rates stays exact well beyond it."""

STEP_DIGITS: Final = 6
"""Digits after the point of a step, so that a step of any bid is exact in the arithmetic of decimals."""

DIGITS_SHOWN_MIN: Final = 4

_beginning = attrgetter("valid_from")


def rate_at(rates: Sequence[RateVersion], at: datetime) -> RateVersion | None:
    """Of the versions that have begun, the last to begin; of those that begin together, the latest version.

    ``rates`` stand in the order in which ``Rules`` keeps them.
    """
    begun = bisect_right(rates, at, key=_beginning)
    return rates[begun - 1] if begun else None


def known_rates(rates: Sequence[RateVersion], known_as_of: datetime) -> list[RateVersion]:
    """The versions that were known then. The first is what a program begins with: it was always known.

    A test program may have been made, by the system's time, after everything that its own clock shows.
    """
    return [rate for rate in rates if rate.recorded_at <= known_as_of or rate.version == 1]


def next_change(rates: Sequence[RateVersion], after: datetime) -> datetime | None:
    """When the next version begins, after that instant; None where none is to come."""
    begun = bisect_right(rates, after, key=_beginning)
    return rates[begun].valid_from if begun < len(rates) else None


def require_rate(program: Program, at: datetime) -> RateVersion:
    """The version in force at that instant, or ``rate_unknown``."""
    return require_rate_of(program.rules, at)


def require_rate_of(rules: Rules, at: datetime) -> RateVersion:
    """The same, by rules that were read apart from the program."""
    found = rate_at(rules.rates, at)
    if found is None:
        raise RateUnknown("the program has no rate for that time", at=at)
    return found


def require_fitting(rates: Sequence[RateVersion], new: RateVersion) -> None:
    """Refuse a version that is at odds with itself or with its neighbours in time.

    A bid beyond its own floor or ceiling (``rate_out_of_bounds``), an ask below the bid (``rate_ask_below_bid``), and
    a bid too far from the version before it or the one that is scheduled after it (``rate_step_exceeded``).
    """
    if not new.floor <= new.bid <= new.ceiling:
        raise RateOutOfBounds(
            "the rate lies beyond its floor or its ceiling",
            rate=show_rate(new.bid),
            floor=show_rate(new.floor),
            ceiling=show_rate(new.ceiling),
        )
    if new.ask < new.bid:
        raise RateAskBelowBid(
            "points would cost less than they are worth", rate=show_rate(new.bid), ask=show_rate(new.ask)
        )
    for neighbour in neighbours(rates, new.valid_from):
        _require_step(neighbour, new.bid)


def neighbours(rates: Sequence[RateVersion], at: datetime) -> list[RateVersion]:
    """The versions that would stand before and after one that begins at that instant, as far as there are any.

    A version that begins at the very instant gives way to the new one, and so is no neighbour of it.
    """
    before = rates[: bisect_left(rates, at, key=_beginning)][-1:]
    following = next_change(rates, at)
    after = [] if following is None else [rate_at(rates, following)]
    return [each for each in (*before, *after) if each is not None]


def within_step(bid: Decimal, neighbour: RateVersion) -> bool:
    """Whether a bid differs from its neighbour's by no more than the neighbour allows."""
    return abs(bid - neighbour.bid) <= neighbour.max_step * neighbour.bid


def faults_of_form(new: RateVersion, currency: str) -> list[tuple[str, str]]:
    """What no rate may be, as (field, what it must be): not positive, too large, or finer than can be booked."""
    prices = {"rate": new.bid, "floor": new.floor, "ceiling": new.ceiling}
    if new.ask != new.bid:
        # An ask that was left out is the rate, and its fault is the rate's.
        prices["ask"] = new.ask
    faults = [
        (name, message)
        for name, price in prices.items()
        if (message := _fault_of_price(price, currency)) is not None
    ]
    if not 0 < new.max_step <= 1 or digits_of(new.max_step) > STEP_DIGITS:
        faults.append(
            (
                "max_step",
                f"must be more than 0 and at most 1, with at most {STEP_DIGITS} digits after the point",
            )
        )
    return faults


def digits_max(currency: str) -> int:
    """The most digits after the point that a rate may have, in major units: millionths of a minor unit."""
    return exponent(currency) + MICRO_DIGITS


def digits_of(number: Decimal) -> int:
    """Digits after the point that count. Read, not computed: no context may round away what is too fine."""
    _, _, fraction = f"{number:f}".partition(".")
    return len(fraction.rstrip("0"))


def show_rate(rate: Decimal) -> str:
    """A rate in plain notation: exact, and with at least four digits after the point."""
    whole, _, fraction = f"{rate:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<{DIGITS_SHOWN_MIN}}"


def _fault_of_price(price: Decimal, currency: str) -> str | None:
    if not 0 < price <= RATE_MAX:
        return f"must be more than 0 and at most {RATE_MAX}"
    if digits_of(price) > digits_max(currency):
        return f"must have at most {digits_max(currency)} digits after the point in {currency}"
    return None


def _require_step(neighbour: RateVersion, bid: Decimal) -> None:
    if not within_step(bid, neighbour):
        raise RateStepExceeded(
            f"the rate lies too far from that of version {neighbour.version}",
            rate=show_rate(bid),
            version=neighbour.version,
            neighbour=show_rate(neighbour.bid),
            max_step=show_rate(neighbour.max_step),
        )
