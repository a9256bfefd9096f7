"""What the parts of a close pack must agree on, each told with both figures and their difference, which is 0. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, NamedTuple

from ledger.finance.deferral.book import Rows

_OUTSTANDING: Final = {"points": 1, "held": 1, "debt": -1}
"""The accounts of members, and with which sign their balances make the outstanding points."""

_CARRIED: Final = ("contract_liability", "points_provision")
_LEAVES: Final = frozenset({"released_on_redemption", "released_on_expiry", "issue_reversals"})
_APART: Final = frozenset({"passed_on", "agent_fees"})


class Tie(NamedTuple):
    """Two figures that must be the same. ``unit`` is POINT, GROWTH, a currency (minor units), or its millionths."""

    what: str
    unit: str
    figure: int
    against: str
    other: int

    def shown(self) -> dict[str, Any]:
        """The tie as the pack shows it."""
        return self._asdict() | {"difference": self.figure - self.other}


def ties_of(pack: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The ties of a pack, and with the pack of the month before, where there is one."""
    return [tie.shown() for tie in (*_of_points(pack), *_of_money(pack), *_with_before(pack, before or {}))]


def _of_points(pack: Mapping[str, Any]) -> Iterator[Tie]:
    for each in pack["balances"]:
        yield Tie("debits", each["unit"], each["total_debit"], "credits", each["total_credit"])
    lines = pack["trial_balance"]
    outstanding = sum(_OUTSTANDING.get(line["account"], 0) * line["balance"] for line in lines)
    closing = pack["points"]["closing"]
    yield Tie("points roll-forward, closing", "POINT", closing, "trial balance", outstanding)
    for dimension, by in pack["points_by"].items():
        for name in ("opening", "closing"):
            rows = sum(row[name] for row in by["rows"]) + (by["rest"] or {name: 0})[name]
            total = pack["points"][name]
            yield Tie(f"points by {dimension}, {name}", "POINT", rows, "points roll-forward", total)
    liability = pack["liability"]
    cohorts = sum(row["outstanding"] for row in liability["by_cohort"]) - liability["owed_by_members"]
    yield Tie("cohorts, less what members owe", "POINT", cohorts, "trial balance", outstanding)


def _of_money(pack: Mapping[str, Any]) -> Iterator[Tie]:
    deferral, currency = pack["deferral"], pack["currency"]
    names = [field.name for field in fields(Rows) if field.name not in _APART]
    moved = sum(deferral[name] * (-1 if name in _LEAVES else 1) for name in names)
    closing = deferral["closing"]
    yield Tie(
        "deferral, opening and rows", currency, deferral["opening"] + moved, "deferral, closing", closing
    )
    carried = sum(row["balance"] for row in deferral["balances"] if row["account"] in _CARRIED)
    yield Tie("deferral, closing", currency, closing, "accounts of the deferral book", carried)
    formula = closing - deferral["difference"]
    yield Tie("deferral, closing", currency, closing, "worked out from the cohorts alone", formula)
    book = pack["liability"]["book_liability"]
    yield Tie("deferral, closing", currency, closing, "book liability", book)


def _with_before(pack: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Tie]:
    for name, unit in (("points", "POINT"), ("deferral", pack["currency"])):
        if name in before:
            closed = before[name]["closing"]
            yield Tie(f"{name}, opening", unit, pack[name]["opening"], "closing of the month before", closed)
