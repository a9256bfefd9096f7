"""What a window of the books should make somebody look at, by the program's thresholds. Pure.

Each threshold stands for itself: a rate below the lowest lies outside of the band as well, and is told as both.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.alerts.settings import AlertSettings
from ledger.finance.metrics.definitions import show_share
from ledger.fx.band_settings import BandSettings
from ledger.fx.convert import value_of
from ledger.journal.commands import Alert
from ledger.money import show_major

REDEMPTION_RATE_LOW = "redemption_rate_low"
REDEMPTION_RATE_OUTSIDE_BAND = "redemption_rate_outside_band"
LIABILITY_CEILING = "liability_ceiling"
ISSUANCE_CEILING = "issuance_ceiling"


class Watched(NamedTuple):
    """What is looked at. ``issued`` and ``redeemed`` are net of what was taken back, of the days of the window."""

    first_day: date
    last_day: date
    issued: int
    redeemed: int
    outstanding: int
    """Points, now."""
    bid: Decimal | None
    """What a point is worth now, in major units; None where no rate is in force."""
    currency: str

    @property
    def subject(self) -> str:
        """The month of the window's last day: of each code there is one alert in a month."""
        return f"{self.last_day:%Y-%m}"


def alarms(settings: AlertSettings, band: BandSettings, watched: Watched) -> list[Alert]:
    """The alerts that this window calls for."""
    return [*_of_the_rate(settings, band, watched), *_of_the_ceilings(settings, watched)]


def _of_the_rate(settings: AlertSettings, band: BandSettings, watched: Watched) -> list[Alert]:
    if watched.issued <= 0 or watched.issued < settings.minimum_sample:
        return []
    share = Fraction(watched.redeemed, watched.issued)
    told = _window(watched) | {"rate": show_share(share), "redeemed": watched.redeemed}
    found = []
    if share < Fraction(settings.redemption_low):
        least = f"{settings.redemption_low:f}"
        found.append(Alert(REDEMPTION_RATE_LOW, watched.subject, told | {"threshold": least}))
    if not Fraction(band.low) <= share <= Fraction(band.high):
        edges = {"low": f"{band.low:f}", "high": f"{band.high:f}"}
        found.append(Alert(REDEMPTION_RATE_OUTSIDE_BAND, watched.subject, told | edges))
    return found


def _of_the_ceilings(settings: AlertSettings, watched: Watched) -> list[Alert]:
    found = []
    if settings.liability_ceiling is not None and watched.bid is not None:
        value = value_of(watched.outstanding, watched.bid, watched.currency).amount
        if value > settings.liability_ceiling:
            shown = {
                "outstanding": watched.outstanding,
                "value": show_major(value, watched.currency),
                "ceiling": show_major(settings.liability_ceiling, watched.currency),
                "currency": watched.currency,
            }
            found.append(Alert(LIABILITY_CEILING, watched.subject, shown))
    if settings.issuance_ceiling is not None and watched.issued > settings.issuance_ceiling:
        told = _window(watched) | {"ceiling": settings.issuance_ceiling}
        found.append(Alert(ISSUANCE_CEILING, watched.subject, told))
    return found


def _window(watched: Watched) -> dict[str, object]:
    return {
        "from": watched.first_day.isoformat(),
        "to": watched.last_day.isoformat(),
        "issued": watched.issued,
    }
