"""The engine: what the rules give for an event, of one unit, and what the fences kept back. Pure.

Rules are taken by priority, then by code, whatever order they were written in: first what each is worth (nothing,
where it is given once and was), then stacking, then caps, then funds. So no order of writing and no other rule's
luck changes what a rule is worth.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.journal.wants import Usage, UsageKey, Use
from ledger.money import MAX_AMOUNT
from ledger.rules.definitions import Experiment, LineFilter
from ledger.rules.experiments import arm_of
from ledger.rules.facts import Award, Evaluation, Facts, Fenced, Line
from ledger.rules.fences import Fences
from ledger.rules.plans import Plan, Ready
from ledger.rules.rates import Worth, extra, worth
from ledger.rules.rulebook import Compiled
from ledger.rules.stacking import Stacked, winners


class _Candidate(NamedTuple):
    """A rule that gives something before stacking and fences."""

    ready: Ready
    amount: int
    inputs: dict[str, object]


def evaluate(
    rules: Compiled,
    facts: Facts,
    unit: Unit,
    usages: Mapping[UsageKey, Usage],
    funds: Mapping[str, int],
) -> Evaluation:
    """The awards of one unit for an event, in the order of the rules.

    ``usages`` and ``funds`` are what the books hold before it: of the keys and the funds that ``rules`` asked for;
    what is missing was never used, and a fund that is missing has nothing. Growth is evaluated before points.
    """
    plan = rules.plans.get((facts.occasion, unit))
    if plan is None:
        return Evaluation([], [], [], {}, {})
    fenced: list[Fenced] = []
    arms: dict[str, str] = {}
    applying: Sequence[int] = range(len(plan.rules))
    if plan.is_selective:
        applying = _applying(plan, facts, fenced, arms)
    fences = Fences(facts, usages, funds) if plan.has_fences else None
    candidates = _candidates(plan, applying, facts, fences, fenced)
    if plan.has_stacking:
        candidates = _stacked(candidates, unit, fenced)
    if fences is None:
        return Evaluation(_awards(candidates, unit, fenced), fenced, [], {}, arms)
    awards, uses, spends = _fenced(rules, candidates, facts, fences, fenced)
    return Evaluation(awards, fenced, uses, spends, arms)


def _applying(plan: Plan, facts: Facts, fenced: list[Fenced], arms: dict[str, str]) -> list[int]:
    """The places of the rules whose campaign runs, whose arm the member is in and whose condition holds.

    Of an experiment that runs every member's arm is noted, whatever the conditions say: who would have been
    given something is only comparable with who was.
    """
    verdicts: list[bool | str] = []
    if plan.conditions is not None:
        assert plan.values is not None
        verdicts = plan.conditions.verdicts(plan.values(facts))
    applying = []
    for place, condition, window, experiment, arm in plan.checks:
        if window is not None and not window.contains(facts.at):
            continue
        if experiment is not None and arm != _arm_in(experiment, facts, arms):
            continue
        verdict = True if condition is None else verdicts[condition]
        if verdict is True:
            applying.append(place)
        elif verdict is not False:
            fenced.append(_failed(plan.rules[place], verdict))
    return applying


def _arm_in(experiment: Experiment, facts: Facts, arms: dict[str, str]) -> str:
    arm = arms.get(experiment.code)
    if arm is None:
        arm = arms[experiment.code] = arm_of(experiment, facts.member.member_id)
    return arm


def _failed(ready: Ready, error: str) -> Fenced:
    return Fenced(ready.rule.code, ready.rule.unit, "rule_error", 0, 0, {"error": error})


def _candidates(
    plan: Plan, applying: Sequence[int], facts: Facts, fences: Fences | None, fenced: list[Fenced]
) -> list[_Candidate]:
    """The rules that are worth something. What a multiplier multiplies is what its rules are worth, before fences."""
    found = _plain_worths(plan, applying, facts, fenced)
    if plan.has_once and fences is not None:
        _leave_out_claimed(plan, found, fences, fenced)
    if plan.multiplied:
        found.update(_extras(plan, applying, found))
        if plan.has_once and fences is not None:
            _leave_out_claimed(plan, found, fences, fenced)
    return [
        _Candidate(plan.rules[place], *found[place])
        for place in applying
        if place in found and found[place].amount
    ]


def _plain_worths(
    plan: Plan, applying: Sequence[int], facts: Facts, fenced: list[Fenced]
) -> dict[int, Worth]:
    """By its place, what each rule is worth that does not multiply others."""
    found: dict[int, Worth] = {}
    verdicts: list[list[bool | str]] | None = None
    for place in applying:
        if place in plan.multiplied:
            continue
        rule, lines = plan.rules[place].rule, None
        if rule.lines is not None:
            condition = plan.line_condition_of[place]
            if condition is not None and verdicts is None:
                assert plan.line_conditions is not None
                verdicts = plan.line_conditions.verdicts(facts.lines)
            chosen = _lines(rule.lines, facts, verdicts, condition)
            if isinstance(chosen, str):
                fenced.append(_failed(plan.rules[place], chosen))
                continue
            lines = chosen
        found[place] = worth(rule, facts, lines)
    return found


def _extras(plan: Plan, applying: Sequence[int], found: Mapping[int, Worth]) -> dict[int, Worth]:
    """By its place, what each multiplier adds to what the others are worth."""
    extras = {}
    for place in applying:
        bases = plan.multiplied.get(place)
        if bases is not None:
            of = [
                (plan.rules[base].owner, plan.rules[base].rule.code, found[base].amount)
                for base in bases
                if base in found and 0 < found[base].amount <= MAX_AMOUNT
            ]
            extras[place] = extra(plan.rules[place].rule, of)
    return extras


def _leave_out_claimed(plan: Plan, found: dict[int, Worth], fences: Fences, fenced: list[Fenced]) -> None:
    # Before multipliers and stacking: what was given long ago is not multiplied, and beats nobody.
    for place in list(found):
        ready = plan.rules[place]
        if ready.once is not None and fences.was_given(ready.once):
            wanted = found.pop(place).amount
            if wanted:
                fenced.append(Fenced(ready.rule.code, ready.rule.unit, "once", wanted, 0, {}))


def _lines(
    chosen: LineFilter, facts: Facts, verdicts: list[list[bool | str]] | None, condition: int | None
) -> list[Line] | str:
    """The lines that count, or in words how the condition on one of them failed."""
    if condition is None and not chosen.skus:
        # Most filters by far, so they take the short way.
        return [line for line in facts.lines if line.category in chosen.categories]
    lines = []
    for i, line in enumerate(facts.lines):
        if chosen.categories and line.category not in chosen.categories:
            continue
        if chosen.skus and line.sku not in chosen.skus:
            continue
        verdict = verdicts is None or condition is None or verdicts[i][condition]
        if isinstance(verdict, str):
            return verdict
        if verdict:
            lines.append(line)
    return lines


def _stacked(candidates: list[_Candidate], unit: Unit, fenced: list[Fenced]) -> list[_Candidate]:
    winning = winners(
        [Stacked(each.ready.owner, each.ready.rule.stacking, each.amount) for each in candidates]
    )
    for place, (each, winner) in enumerate(zip(candidates, winning, strict=True)):
        if winner != place:
            stacking = each.ready.rule.stacking
            assert stacking is not None
            detail = {
                "group": stacking.group,
                "mode": stacking.mode,
                "rule": candidates[winner].ready.rule.code,
            }
            fenced.append(Fenced(each.ready.rule.code, unit, "stacking", each.amount, 0, detail))
    return [each for place, each in enumerate(candidates) if winning[place] == place]


def _awards(candidates: list[_Candidate], unit: Unit, fenced: list[Fenced]) -> list[Award]:
    """The awards where nothing stands in their way."""
    awards, total = [], 0
    for ready, amount, inputs in candidates:
        total += amount
        if total > MAX_AMOUNT:
            total -= amount
            fenced.append(_too_large(ready, unit))
            continue
        awards.append(
            Award(ready.rule.code, ready.version, unit, amount, inputs, ready.owner, ready.rule.campaign)
        )
    return awards


def _too_large(ready: Ready, unit: Unit) -> Fenced:
    # What was wanted cannot be written down exactly, so the limit stands for it.
    return Fenced(ready.rule.code, unit, "too_large", MAX_AMOUNT, 0, {"limit": MAX_AMOUNT})


def _fenced(
    rules: Compiled, candidates: list[_Candidate], facts: Facts, fences: Fences, fenced: list[Fenced]
) -> tuple[list[Award], list[Use], dict[str, int]]:
    """The awards that come through, what they use and what pays for them."""
    awards: list[Award] = []
    total = 0
    for ready, wanted, inputs in candidates:
        rule = ready.rule
        if total + wanted > MAX_AMOUNT:
            fenced.append(_too_large(ready, rule.unit))
            continue
        paying = rules.paying(ready, facts.source, facts.at)
        admitted = fences.admit(wanted, ready.caps, ready.once, paying)
        if admitted.fence is not None:
            given, detail = admitted.given, dict(admitted.detail)
            fenced.append(Fenced(rule.code, rule.unit, admitted.fence, wanted, given, detail))
            inputs = {**inputs, "wanted": wanted, "fence": admitted.fence, "left": given}
        if admitted.given:
            total += admitted.given
            awards.append(
                Award(
                    rule.code,
                    ready.version,
                    rule.unit,
                    admitted.given,
                    inputs,
                    ready.owner,
                    rule.campaign,
                    admitted.funds,
                )
            )
    return awards, fences.uses, fences.spends
