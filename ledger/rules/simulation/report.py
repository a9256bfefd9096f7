"""The report of a simulation: both worlds and their difference, from what was counted. Amounts are whole units.

Where a row stands for many (a rule, a store), it is ordered by how much it changes, so that what matters comes
first.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from ledger.accounts.ladders import Ladder
from ledger.rules.simulation.drafts import Worlds, told
from ledger.rules.simulation.tally import Changed, Table, Tally, most_changed

_UNITS: Final = (("points", "POINT"), ("growth", "GROWTH"))
_COUNTED: Final = ("members", "purchases", "lines", "activities", "referrals", "returns")

ROWS_MAX: Final = 1_000
"""Rows of one table; of stores there may be more, and those that change least are left out."""

NOTES: Final = (
    {
        "code": "budgets_unbounded",
        "en": "Budgets are shared between members, so they are taken as without a bound in both worlds; compare "
        "what each would pay with what is left in it.",
        "zh": "预算由会员共享，两种情形下均视为不设上限；请将各预算的支出与其余额对照。",
    },
    {
        "code": "behaviour_unchanged",
        "en": "Members are taken to buy, redeem and return as they did; nobody is known to come for the draft's sake.",
        "zh": "假设会员的消费、兑换与退货行为不变，不考虑新规则带来的行为变化。",
    },
    {
        "code": "present_attributes",
        "en": "Conditions on attributes, region and store of members see them as they are now.",
        "zh": "涉及会员属性、所属区域与门店的条件按当前值判断。",
    },
    {
        "code": "no_face_value",
        "en": "The change of the liability is in points: their value in money is not known before a rate is set.",
        "zh": "负债变动以积分计；在设定兑换率之前无法折算为货币。",
    },
)


def report_of(worlds: Worlds, end: datetime, tally: Tally, left: Mapping[str, int]) -> dict[str, Any]:
    """The whole report, fit for JSON. ``left`` is what is left in each fund."""
    ladders = (worlds.ladders.at(end).ladder, worlds.draft_ladders.at(end).ladder)
    return {
        "program": worlds.program.name,
        "draft": told(worlds.draft),
        "selection": worlds.selection.stored(),
        "read": {name: tally.counts.get(name, 0) for name in _COUNTED},
        "totals": {name: _totals(tally, unit) for name, unit in _UNITS},
        "liability": _liability(tally),
        "rules": [_rule(key, row) for key, row in _most_different(tally.rules)],
        "stores": _places(tally, "store"),
        "regions": _places(tally, "region"),
        "tiers": {"by_tier": _places(tally, "tier"), **_moves(tally, ladders)},
        "fences": [_fence(key, row) for key, row in _most_different(tally.fences)],
        "funds": [_fund(key[0], row, left) for key, row in _most_different(tally.funds)],
        "members": _members(most_changed(tally.changed)),
        "notes": list(NOTES),
    }


def _totals(tally: Tally, unit: str) -> dict[str, Any]:
    issued_active, issued_draft, back_active, back_draft = tally.totals.get((unit,), [0] * 4)
    issued, back = tally.books.get((unit,), [0] * 2)
    active, draft = (
        _issue(issued_active, back_active),
        _issue(issued_draft, back_draft),
    )
    return {
        "active": active,
        "draft": draft,
        "difference": {name: draft[name] - active[name] for name in active},
        # What the rules in force gave by the books; it differs from the active world where a budget ended.
        "books": _issue(issued, back),
    }


def _issue(issued: int, taken_back: int) -> dict[str, int]:
    return {"issued": issued, "taken_back": taken_back, "net": issued - taken_back}


def _liability(tally: Tally) -> dict[str, Any]:
    row = tally.totals.get(("POINT",), [0] * 4)
    return {"points": row[1] - row[3] - row[0] + row[2], "face_value": None}


def _pair(active: int, draft: int) -> dict[str, int]:
    return {"active": active, "draft": draft, "difference": draft - active}


def _rule(key: tuple[str, ...], row: list[int]) -> dict[str, Any]:
    owner, rule, unit = key
    return {
        "owner": owner or None,
        "rule": rule,
        "unit": unit,
        "amount": _pair(row[0], row[1]),
        "awards": _pair(row[2], row[3]),
    }


def _fence(key: tuple[str, ...], row: list[int]) -> dict[str, Any]:
    rule, unit, fence = key
    return {
        "rule": rule,
        "unit": unit,
        "fence": fence,
        "kept_back": _pair(row[0], row[1]),
        "times": _pair(row[2], row[3]),
    }


def _fund(code: str, row: list[int], left: Mapping[str, int]) -> dict[str, Any]:
    return {"fund": code, "points": _pair(row[0], row[1]), "left": left.get(code, 0)}


def _places(tally: Tally, kind: str) -> list[dict[str, Any]]:
    rows = {key[1:]: row for key, row in tally.places.items() if key[0] == kind}
    return [
        {"code": code, "points": _pair(row[0], row[1]), "growth": _pair(row[2], row[3])}
        for (code,), row in _most_different(rows)
    ]


def _moves(tally: Tally, ladders: tuple[Ladder | None, Ladder | None]) -> dict[str, Any]:
    """Who stands where in the end, and how often tiers changed on the way."""
    standing = [(keys, row[0]) for keys, row in sorted(tally.tiers.items())]
    steps = [(_step(keys, ladders), members) for keys, members in standing]
    events = [
        {"reason": reason, "events": _pair(row[0], row[1])} for (reason,), row in sorted(tally.moves.items())
    ]
    return {
        "higher": sum(members for step, members in steps if step > 0),
        "lower": sum(members for step, members in steps if step < 0),
        "matrix": [{"active": keys[0], "draft": keys[1], "members": members} for keys, members in standing],
        "moves": events,
    }


def _step(keys: tuple[str, ...], ladders: tuple[Ladder | None, Ladder | None]) -> int:
    """How many places higher the draft puts a member, each place by the ladder of its world."""
    active, draft = (
        ladder.rank_of(code) if ladder is not None else None
        for code, ladder in zip(keys, ladders, strict=True)
    )
    return (draft or 0) - (active or 0)


def _members(changed: Iterable[Changed]) -> dict[str, Any]:
    told = [_member(member) for member in changed]
    return {
        "gain": [member for member in told if member["points"]["difference"] > 0],
        "lose": [member for member in told if member["points"]["difference"] < 0],
    }


def _member(member: Changed) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "points": _pair(*member.points),
        "growth": _pair(*member.growth),
        "tier": {"active": member.tiers[0], "draft": member.tiers[1]},
    }


def _most_different(table: Table | Mapping[tuple[str, ...], list[int]]) -> Iterable[Any]:
    key: Callable[[Any], Any] = lambda item: (-abs(item[1][1] - item[1][0]), item[0])  # noqa: E731
    return islice(sorted(table.items(), key=key), ROWS_MAX)
