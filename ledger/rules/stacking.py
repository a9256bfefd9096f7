"""Stacking: which of the rules of a group give, where several of them could."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.rules.definitions import Stacking


class Stacked(NamedTuple):
    """A rule that could give: whose it is, what it says about stacking, and how much."""

    owner: str
    stacking: Stacking | None
    amount: int


def winners(candidates: Sequence[Stacked]) -> list[int]:
    """For each candidate the place of the one that gives instead of it: its own where it gives itself.

    The candidates stand by priority. Of a group that is ``exclusive`` the first gives, of ``best_of`` the one
    that gives most, the first of equals; in a ``sum`` all of them give. Each owner's groups are its own, so
    that no region's rule can stand in the way of headquarters'.
    """
    best: dict[tuple[str, str], int] = {}
    for place, (owner, stacking, amount) in enumerate(candidates):
        if stacking is None or stacking.mode == "sum":
            continue
        leader = best.setdefault((owner, stacking.group), place)
        if stacking.mode == "best_of" and amount > candidates[leader].amount:
            best[owner, stacking.group] = place
    return [
        best.get((owner, stacking.group), place) if stacking is not None else place
        for place, (owner, stacking, _amount) in enumerate(candidates)
    ]
