"""Fences in words: why an award was cut, or did not come at all."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.rules.phrases import amount_of
from ledger.rules.words import CATALOGUE, Text, say

_CAP: Final = "cap_"
_CAMPAIGN: Final = "campaign_cap_"


def explain_fence(fenced: Mapping[str, Any]) -> Text:
    """A stored fence in words: what was kept back, and why."""
    why = why_in_words(fenced["fence"])
    wanted, given = (amount_of(fenced["unit"], fenced[name]) for name in ("wanted", "given"))
    if not fenced["wanted"]:
        return say("fenced.error", why=why)
    if not fenced["given"]:
        return say("fenced.nothing", wanted=wanted, why=why)
    return say("fenced.part", wanted=wanted, given=given, why=why)


def why_in_words(fence: str) -> Text:
    """The reason that a fence gives."""
    if fence.startswith((_CAP, _CAMPAIGN)):
        return say("why.limit", limit=limit_in_words(fence))
    key = f"why.{fence}"
    return say(key) if key in CATALOGUE else say("why.other", code=fence)


def limit_in_words(fence: str) -> Text:
    """What the limit of a cap is called."""
    if fence.startswith(_CAMPAIGN):
        return say("limit.campaign", limit=_limit(fence.removeprefix(_CAMPAIGN)))
    return _limit(fence.removeprefix(_CAP))


def _limit(period: str) -> Text:
    key = f"limit.{period}"
    return say(key) if key in CATALOGUE else say("limit.other", code=period)
