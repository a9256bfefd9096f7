"""Members who were merged: one who still is, with an order that both had, and one who was parted again."""

from datetime import timedelta
from typing import Any

from ledger.merging.commands import Merge, Unmerge
from ledger.rules.commands import Line, Purchase
from tests.finance.histories import BY
from tests.ladders import tiers
from tests.till import Till

TERMS: dict[str, Any] = {"tiers": tiers({"member": 0, "silver": 100})}


def merge_members(till: Till) -> None:
    """Let two be merged whose growth together is a tier, and two others be merged and parted."""
    for member, name, order in (("m-1", "o-1", "o-1"), ("m-2", "o-1-again", "o-1"), ("m-2", "o-2", None)):
        lines = (Line("1", 1, 6_000),)
        till.post(Purchase(name, member, till.now, "CNY", lines, order_id=order))
    till.buy("m-3", 7_000)
    till.buy("m-4", 8_000)
    till.at(till.now + timedelta(days=1))
    till.post(Merge("m-1", "m-2", BY), Merge("m-3", "m-4", BY))
    till.redeem("m-3", 100)
    till.at(till.now + timedelta(days=1))
    till.post(Unmerge("m-3", "m-4", BY))
