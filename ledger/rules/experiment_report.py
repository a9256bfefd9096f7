"""What became of the members in each arm of an experiment, from the arms that are stamped on their purchases.

A member belongs to the arm of his first stamp; what he has redeemed since then is counted with it. Purchases
that were returned later are counted as bought: the arms are compared on what they made people do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, text

from ledger.accounts.program import Program
from ledger.errors import ExperimentUnknown
from ledger.money import Rounding, scale
from ledger.rules.definitions import Arm, Experiment
from ledger.rules.forms import parse_rule_set
from ledger.rules.sample_ratio import RatioCheck, check_ratio

_SIX_DIGITS: Final = Decimal("0.000001")

_ARMS: Final = text("""
WITH stamped AS (
    SELECT e.holder_id, e.version, e.details->'arms'->>:code AS arm,
           (SELECT coalesce(sum((line->>'amount')::bigint), 0)
              FROM json_array_elements(e.details->'lines') line) AS spent,
           (SELECT coalesce(sum((award->>'amount')::bigint) FILTER (WHERE award->>'unit' = 'POINT'), 0)
              FROM json_array_elements(e.details->'awards') award) AS points,
           (SELECT coalesce(sum((award->>'amount')::bigint) FILTER (WHERE award->>'unit' = 'GROWTH'), 0)
              FROM json_array_elements(e.details->'awards') award) AS growth
      FROM entries e JOIN holders h USING (holder_id)
     WHERE h.program_id = :program AND e.kind = 'earn' AND e.details->'arms'->>:code IS NOT NULL
       AND e.effective_at >= :start AND e.effective_at < :end
), members AS (
    SELECT holder_id, (array_agg(arm ORDER BY version))[1] AS arm, min(version) AS since, count(*) AS purchases,
           sum(spent) AS spent, sum(points) AS points, sum(growth) AS growth
      FROM stamped GROUP BY holder_id
), redeemed AS (
    SELECT m.holder_id, sum(CASE WHEN p.credit = 51 THEN p.amount ELSE -p.amount END) AS points
      FROM members m JOIN entries e ON e.holder_id = m.holder_id AND e.version > m.since
      JOIN postings p ON p.entry_id = e.entry_id AND p.holder_id = e.holder_id
     WHERE (p.credit = 51 OR p.debit = 51) AND e.effective_at < :end
     GROUP BY m.holder_id
)
SELECT arm, count(*) AS members, sum(m.purchases)::bigint AS purchases, sum(m.spent)::bigint AS spent,
       sum(m.points)::bigint AS points_issued, sum(m.growth)::bigint AS growth_issued,
       coalesce(sum(r.points), 0)::bigint AS points_redeemed,
       count(*) FILTER (WHERE m.purchases > 1) AS returned
  FROM members m LEFT JOIN redeemed r USING (holder_id)
 GROUP BY arm ORDER BY arm
""")

_DRAFTED: Final = text("""
SELECT content::text, owner FROM rule_sets
 WHERE program_id = :program AND EXISTS (
       SELECT FROM json_array_elements(content->'experiments') experiment WHERE experiment->>'code' = :code)
 ORDER BY recorded_at DESC, version DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """What the members of an arm did. ``spent`` in minor units."""

    members: int = 0
    purchases: int = 0
    spent: int = 0
    points_issued: int = 0
    growth_issued: int = 0
    points_redeemed: int = 0
    returned: int = 0
    """Members who came a second time."""


def read_experiment(
    connection: Connection, program: Program, code: str, start: datetime, end: datetime
) -> dict[str, Any]:
    """The report of an experiment from ``start`` on and before ``end``; ``experiment_unknown`` for what is none."""
    experiment = require_experiment(connection, program, code)
    asked = {"program": program.program_id, "code": code, "start": start, "end": end}
    figures = {row[0]: ArmFigures(*row[1:]) for row in connection.execute(_ARMS, asked)}
    return report_of(experiment, figures, program.currency)


def require_experiment(connection: Connection, program: Program, code: str) -> Experiment:
    """The experiment as it was last put in force, or else as it was last written down, by whoever owns it."""
    versions = [(each.content, each.owner) for each in reversed(program.rules.activations)]
    drafted = connection.execute(_DRAFTED, {"program": program.program_id, "code": code}).all()
    for content, owner in [*versions, *drafted]:
        for experiment in parse_rule_set(json.loads(content), owner).experiments:
            if experiment.code == code:
                return experiment
    raise ExperimentUnknown(f"no rule set has an experiment {code}", experiment=code)


def report_of(experiment: Experiment, figures: Mapping[str, ArmFigures], currency: str) -> dict[str, Any]:
    """The report. Arms that a former version knew stand last, and outside the check."""
    weighted = [arm.code for arm in experiment.arms]
    former = [Arm(code, 0) for code in sorted(figures) if code not in weighted]
    found = [figures.get(arm.code, ArmFigures()) for arm in experiment.arms]
    members = sum(arm.members for arm in found)
    arms = [
        _arm(arm, figures.get(arm.code, ArmFigures()), experiment, members, currency)
        for arm in (*experiment.arms, *former)
    ]
    check = check_ratio([arm.members for arm in found], [arm.weight for arm in experiment.arms])
    return {"experiment": experiment.code, "arms": arms, "sample_ratio": _ratio(check)}


def _arm(arm: Arm, found: ArmFigures, experiment: Experiment, members: int, currency: str) -> dict[str, Any]:
    whole = sum(each.weight for each in experiment.arms)
    return {
        "arm": arm.code,
        "members": found.members,
        "share_expected": _ratio_text(arm.weight, whole, 4),
        "share": _ratio_text(found.members if arm.weight else 0, members, 4),
        "purchases": found.purchases,
        "spend": {"amount": found.spent, "currency": currency},
        "points_issued": found.points_issued,
        "growth_issued": found.growth_issued,
        "points_redeemed": found.points_redeemed,
        "members_returning": found.returned,
        "visits_per_member": _ratio_text(found.purchases, found.members, 2),
    }


def _ratio(check: RatioCheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {
        "chi_square": str(check.statistic.quantize(_SIX_DIGITS)),
        "degrees_of_freedom": check.degrees,
        "p_value": str(check.p_value.quantize(_SIX_DIGITS)),
        "is_suspicious": check.is_suspicious,
    }


def _ratio_text(part: int, whole: int, digits: int) -> str:
    """``part ÷ whole`` as a decimal text; 0 of nothing is 0."""
    scaled = scale(part, 10**digits, whole, Rounding.HALF_UP) if whole else 0
    above, below = divmod(scaled, 10**digits)
    return f"{above}.{below:0{digits}d}"
