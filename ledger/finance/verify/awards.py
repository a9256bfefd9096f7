"""Awards: what a purchase says it earned is what was posted, and follows from its lines and its terms.

Read row by row, because the details of an entry are JSON: parsed once here, they would be parsed again for
every member that a query asks for.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson

from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk

_TERMS: LiteralString = "SELECT program_id, version, terms::text FROM program_terms"

_PURCHASES: LiteralString = """
SELECT e.entry_id, h.program_id, e.terms_version, e.details::text,
       coalesce(p.points, 0)::bigint, coalesce(p.growth, 0)::bigint
  FROM entries e
  JOIN holders h USING (holder_id)
  LEFT JOIN (SELECT entry_id, holder_id,
                    sum(amount) FILTER (WHERE debit = 50) AS points, sum(amount) FILTER (WHERE debit = 60) AS growth
               FROM postings GROUP BY entry_id, holder_id) AS p USING (entry_id, holder_id)
 WHERE e.kind = 'earn'
"""

_RATES = {"POINT": "points", "GROWTH": "growth"}


class Told(NamedTuple):
    """An award of the base rule as the entry tells it, or as it must be told."""

    spent: int
    per: int
    step: int
    terms_version: int
    amount: int


def wrong_awards(rows: Rows) -> Iterator[Fault]:
    """Every purchase whose awards are not what was posted, or not what its lines earn by its terms."""
    terms = {(program, version): orjson.loads(text) for program, version, text in rows.stream(_TERMS)}
    for entry_id, program_id, version, text, points, growth in rows.stream(_PURCHASES):
        details = orjson.loads(text or "null")
        try:
            told = Counter[str]()
            for award in details["awards"]:
                told[award["unit"]] += award["amount"]
            if (told["POINT"], told["GROWTH"]) != (points, growth):
                yield _fault(entry_id, "awards", f"{points} points and {growth} growth", str(dict(told)))
            yield from _wrong_base(entry_id, version, details, terms[program_id, version])
        except (KeyError, TypeError):
            yield _fault(entry_id, "details", "lines, awards, and the terms they name", str(text)[:200])


def _wrong_base(
    entry_id: UUID, version: int, details: Mapping[str, Any], terms: Mapping[str, Any]
) -> Iterator[Fault]:
    spent = sum(line["amount"] for line in details["lines"])
    for award in details["awards"]:
        if award["rule"] != "base":
            continue
        rate, inputs = terms[_RATES[award["unit"]]], award["inputs"]
        per, step = rate["per"], rate["amount"]
        expected = Told(spent, per, step, version, spent * per // step)
        found = Told(
            inputs["spent"]["amount"], inputs["per"], inputs["amount"], award["rule_version"], award["amount"]
        )
        if found != expected:
            yield _fault(entry_id, f"award in {award['unit']}", str(expected), str(found))


def _fault(entry_id: UUID, field: str, expected: str, found: str) -> Fault:
    return Fault("entries", {"entry_id": entry_id}, field, expected, found)


CHECKS = (
    by_walk(
        "awards",
        "the awards of a purchase explain what was posted, by its terms",
        ("entries", "postings"),
        wrong_awards,
    ),
)
