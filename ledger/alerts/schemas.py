"""The shape of the thresholds in a program's terms."""

from ledger.fx.rate_schemas import ShareText
from ledger.http.fields import Integer, Points, Strict

MAX_WINDOW_DAYS = 366


class AlertTermsSchema(Strict):
    """When somebody should be told."""

    redemption_low = ShareText("Points redeemed, as a share of points issued; below it: 0.15 if left out")
    minimum_sample = Points(
        "Points issued in the window, for a share of them to say anything; 10000 if left out"
    )
    window_days = Integer(1, MAX_WINDOW_DAYS, "Whole days up to yesterday; 28 if left out")
    liability_ceiling = Points(
        "Minor units that the outstanding points may be worth; no limit if null or left out", allow_none=True
    )
    issuance_ceiling = Points(
        "Points that may be issued in the window; no limit if null or left out", allow_none=True
    )
