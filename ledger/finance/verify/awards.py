"""Awards: what an entry says was given is what was posted, works out from its inputs, and follows from its rule.

Read row by row, because the details of an entry are JSON: parsed once here, they would be parsed again for
every member that a query asks for.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson

from ledger.accounts.program import HEADQUARTERS
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk
from ledger.rules.arithmetic import recompute
from ledger.rules.forms import BASE

_TERMS: LiteralString = "SELECT program_id, version, terms::text FROM program_terms"

_RULE_SETS: LiteralString = "SELECT program_id, owner, version, content::text FROM rule_sets"

_AWARDED: LiteralString = """
SELECT e.entry_id, h.program_id, e.kind, e.details::text,
       coalesce(p.points, 0)::bigint, coalesce(p.growth, 0)::bigint
  FROM entries e
  JOIN holders h USING (holder_id)
  LEFT JOIN (SELECT entry_id, holder_id,
                    sum(amount) FILTER (WHERE debit = 50) AS points, sum(amount) FILTER (WHERE debit = 60) AS growth
               FROM postings GROUP BY entry_id, holder_id) AS p USING (entry_id, holder_id)
 WHERE e.kind IN ('earn', 'activity', 'referral')
"""

_UNITS = {"POINT": "points", "GROWTH": "growth"}


RuleKey = tuple[int, str | None, int, str, str]


class Known(NamedTuple):
    """The rules of all programs: their rates by program, owner (none: the terms themselves), version, code and unit."""

    rates: dict[RuleKey, Mapping[str, Any]]

    def of(self, program_id: int, award: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rates that an award may have followed: of its rule set, or of the terms of that version."""
        owners = (award["owner"],) if "owner" in award else (HEADQUARTERS, None)
        keys = [(program_id, owner, award["rule_version"], award["rule"], award["unit"]) for owner in owners]
        return [self.rates[key] for key in keys if key in self.rates]


def wrong_awards(rows: Rows) -> Iterator[Fault]:
    """Every entry whose awards are not what was posted, do not work out, or follow from no rule."""
    known = Known(dict(_rates(rows)))
    for entry_id, program_id, kind, text, points, growth in rows.stream(_AWARDED):
        try:
            details = orjson.loads(text or "null")
            told = Counter[str]()
            for award in details["awards"]:
                told[award["unit"]] += award["amount"]
                yield from _wrong_award(entry_id, known.of(program_id, award), award)
            if (told["POINT"], told["GROWTH"]) != (points, growth):
                yield _fault(entry_id, "awards", f"{points} points and {growth} growth", str(dict(told)))
            if kind == "earn":
                yield from _wrong_basis(entry_id, details)
        except (KeyError, TypeError, ValueError):
            yield _fault(entry_id, "details", "lines, awards, and the rules they name", str(text)[:200])


def _rates(rows: Rows) -> Iterator[tuple[RuleKey, Mapping[str, Any]]]:
    for program, version, text in rows.stream(_TERMS):
        terms = orjson.loads(text)
        for unit, name in _UNITS.items():
            yield (program, None, version, BASE, unit), {"kind": "per_amount", **terms[name]}
    for program, owner, version, text in rows.stream(_RULE_SETS):
        for rule in orjson.loads(text)["rules"]:
            yield (program, owner, version, rule["code"], rule["unit"]), rule["rate"]


def _wrong_award(entry_id: UUID, rates: list[Mapping[str, Any]], award: Mapping[str, Any]) -> Iterator[Fault]:
    field, inputs = f"award of {award['rule']} in {award['unit']}", award["inputs"]
    worked_out = recompute(award)
    if worked_out != award["amount"]:
        yield _fault(entry_id, field, str(worked_out), str(award["amount"]))
    if not any(_follows(inputs, rate) for rate in rates):
        yield _fault(entry_id, field, f"the rate of its rule: {rates}", str(inputs)[:200])


def _follows(inputs: Mapping[str, Any], rate: Mapping[str, Any]) -> bool:
    """Whether the inputs name the numbers of the rate."""
    match rate["kind"]:
        case "per_amount":
            return (inputs.get("per"), inputs.get("amount")) == (rate["per"], rate["amount"])
        case "fixed":
            return bool(inputs.get("fixed") == rate["amount"])
        case "multiplier":
            ratio = (inputs.get("numerator"), inputs.get("denominator"))
            return "of" in inputs and ratio == (rate["numerator"], rate["denominator"])
        case _:
            # Of steps, the inputs name those that the money reached.
            reached = inputs.get("steps") or [inputs["step"]]
            steps = [(step["from"], step["per"], step["amount"]) for step in rate["steps"]]
            return all((step["from"], step["per"], step["amount"]) in steps for step in reached)


def _wrong_basis(entry_id: UUID, details: Mapping[str, Any]) -> Iterator[Fault]:
    """Awards whose money is not that of the purchase's lines, as far as the inputs say which count."""
    amounts = {line["line_id"]: line["amount"] for line in details["lines"]}
    total = sum(amounts.values())
    for award in details["awards"]:
        inputs = award["inputs"]
        if "spent" not in inputs or ("basis" in inputs and "lines" in inputs):
            # Of some lines' part in the cash, the lines alone do not tell.
            continue
        cash = details.get("cash", total)
        spent = cash if "basis" in inputs else sum(amounts[line] for line in inputs.get("lines", amounts))
        if spent != inputs["spent"]["amount"]:
            yield _fault(entry_id, f"money of {award['rule']}", str(spent), str(inputs["spent"]["amount"]))


def _fault(entry_id: UUID, field: str, expected: str, found: str) -> Fault:
    return Fault("entries", {"entry_id": entry_id}, field, expected, found)


CHECKS = (
    by_walk(
        "awards",
        "awards explain what was posted, work out from their inputs, and follow from their rules",
        ("entries", "postings"),
        wrong_awards,
    ),
)
