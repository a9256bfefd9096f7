"""Fences in words: why an award was cut, or did not come at all."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.rules.phrases import amount_of, plain
from ledger.rules.words import CATALOGUE, Text, say

_CAP: Final = "cap_"


def explain_fence(fenced: Mapping[str, Any], name_of: Callable[[str], Text] = plain) -> Text:
    """A stored fence in words: what was kept back, and why."""
    why = _why(fenced, name_of)
    wanted, given = (amount_of(fenced["unit"], fenced[name]) for name in ("wanted", "given"))
    if not fenced["wanted"]:
        return say("fenced.error", why=why)
    if not fenced["given"]:
        return say("fenced.nothing", wanted=wanted, why=why)
    return say("fenced.part", wanted=wanted, given=given, why=why)


def limit_in_words(fence: str, campaign: str | None = None) -> Text:
    """What the limit of a cap is called."""
    key = f"limit.{fence.removeprefix(_CAP)}"
    limit = say(key) if key in CATALOGUE else say("limit.other", code=fence)
    return say("limit.campaign", limit=limit, campaign=campaign) if campaign else limit


def _why(fenced: Mapping[str, Any], name_of: Callable[[str], Text]) -> Text:
    fence, unit, detail = fenced["fence"], fenced["unit"], fenced["detail"]
    if fence.startswith(_CAP) and "limit" in detail:
        limit, most = limit_in_words(fence, detail.get("campaign")), amount_of(unit, detail["limit"])
        if not detail.get("used"):
            return say("why.limit_alone", limit=limit, most=most)
        return say("why.limit", limit=limit, most=most, used=detail["used"])
    key = f"why.{fence}"
    if key not in CATALOGUE:
        return say("why.other", code=fence)
    return say(
        key, available=amount_of(unit, detail.get("available", 0)), rule=name_of(detail.get("rule", ""))
    )
