"""Laws of the engine that hold for any rules, any basket and any state of the books."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.chart import Unit
from ledger.journal.wants import Usage, UsageKey
from ledger.rules.arithmetic import recompute, recompute_wanted
from ledger.rules.definitions import CAPS
from ledger.rules.engine import evaluate
from ledger.rules.facts import Evaluation, Facts
from ledger.rules.rulebook import Compiled
from tests.profiles import examples
from tests.rulebooks import OPERATOR, facts, rulebook

CATEGORIES = ("coffee", "tea", None)
CONDITIONS = (
    "purchase.amount > 2000",
    "'tea' in purchase.categories",
    "member.tier == 'gold'",
    "purchase.amount / (purchase.lines - 2) > 100",
    "member.attributes.vip == true",
)
TRIAL = {"code": "ab", "arms": [{"code": "A", "weight": 1}, {"code": "B", "weight": 2}]}
CAMPAIGN: dict[str, Any] = {
    "code": "spring",
    "from": "2026-03-01",
    "caps": {"transaction": 300, "week": 900},
    "funds": ["spring"],
}

ratios = st.builds(
    lambda above, below: {"numerator": above, "denominator": below}, st.integers(1, 9), st.integers(1, 9)
)
rates = st.one_of(
    st.builds(
        lambda per, amount: {"kind": "per_amount", "per": per, "amount": amount},
        st.integers(1, 9),
        st.integers(1, 300),
    ),
    st.builds(
        lambda amount, each: {"kind": "fixed", "amount": amount, "each": each},
        st.integers(1, 200),
        st.sampled_from(("basket", "line", "piece")),
    ),
    st.builds(
        lambda starts, per, amount, mode: {
            "kind": "steps",
            "mode": mode,
            "steps": [
                {"from": start, "per": per + i, "amount": amount} for i, start in enumerate(sorted(starts))
            ],
        },
        st.sets(st.integers(0, 5_000), min_size=1, max_size=4),
        st.integers(0, 5),
        st.integers(1, 300),
        st.sampled_from(("whole", "marginal")),
    ),
)
multipliers = st.builds(
    lambda below, more: {"kind": "multiplier", "numerator": below + more, "denominator": below},
    st.integers(1, 5),
    st.integers(1, 9),
)


@st.composite
def rules(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A rule with any parts that go together."""
    rate = draw(st.one_of(rates, rates, multipliers))
    made: dict[str, Any] = {
        "code": f"r-{number}",
        "unit": draw(st.sampled_from(("POINT", "GROWTH"))),
        "rate": rate,
    }
    on_money = rate["kind"] in {"per_amount", "steps"}
    is_marginal = rate.get("mode") == "marginal"
    parts: dict[str, st.SearchStrategy[Any]] = {
        "when": st.sampled_from(CONDITIONS),
        "rounding": st.sampled_from(("ceiling", "half_up")),
        "priority": st.integers(-2, 2),
        "stacking": st.sampled_from(
            [{"group": mode, "mode": mode} for mode in ("best_of", "sum", "exclusive")]
        ),
        "caps": st.dictionaries(st.sampled_from(CAPS), st.integers(1, 400), min_size=1, max_size=2),
        "once": st.just(True),
        "campaign": st.just("spring"),
        "arm": st.sampled_from([{"experiment": "ab", "is": "A"}, {"experiment": "ab", "is": "B"}]),
    }
    if made["unit"] == "POINT":
        parts["funds"] = st.sampled_from((["spring"], ["summer"], ["summer", "store:{store}"]))
    if rate["kind"] != "multiplier":
        parts["lines"] = st.sampled_from(
            ({"categories": ["tea"]}, {"when": "line.amount > 500"}, {"skus": ["sku-1", "sku-3"]})
        )
    if on_money:
        parts |= {
            "by_tier": st.dictionaries(st.just("gold"), ratios),
            "by_channel": st.dictionaries(st.just("app"), ratios),
            "basis": st.just("cash"),
        }
    if on_money and not is_marginal:
        parts |= {
            "by_category": st.dictionaries(st.sampled_from(("coffee", "tea")), ratios),
            "rounded_per": st.just("line"),
        }
    for name in draw(st.sets(st.sampled_from(sorted(parts)), max_size=4)):
        made[name] = draw(parts[name])
    return made


class Case(NamedTuple):
    """Rules as they were written and made ready, an event, and what the books hold."""

    written: list[dict[str, Any]]
    compiled: Compiled
    event: Facts
    usages: Mapping[UsageKey, Usage]
    funds: Mapping[str, int]

    def judged(self, unit: Unit) -> Evaluation:
        return evaluate(self.compiled, self.event, unit, self.usages, self.funds)


def ready(written: list[dict[str, Any]]) -> Compiled:
    return rulebook(*written, experiments=[TRIAL], campaigns=[CAMPAIGN])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    written = [draw(rules(number)) for number in range(draw(st.integers(1, 7)))]
    bought = [
        (draw(st.sampled_from(CATEGORIES)), draw(st.integers(0, 3_000)))
        for _ in range(draw(st.integers(1, 4)))
    ]
    spent = sum(amount for _category, amount in bought)
    event = facts(
        *bought,
        cash=draw(st.integers(0, spent)),
        tier=draw(st.sampled_from(("", "gold"))),
        channel=draw(st.sampled_from((None, "app"))),
        store=draw(st.sampled_from((None, "s-1"))),
        operator=draw(st.sampled_from((None, OPERATOR))),
        member_id=draw(st.sampled_from(("m-1", "m-2", "m-3"))),
    )
    compiled = ready(written)
    keys = compiled.usage_keys(event.holder_id, event.operator_holder_id, event.at, event.timezone)
    usages = {key: draw(st.builds(Usage, st.integers(0, 400), st.integers(0, 1))) for key in keys}
    funds = {fund: draw(st.integers(0, 300)) for fund in compiled.funds(event.source, event.at)}
    return Case(written, compiled, event, usages, funds)


@examples(100)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_rules_are_written_does_not_matter(case: Case, random: Any) -> None:
    shuffled = list(case.written)
    random.shuffle(shuffled)
    other = case._replace(compiled=ready(shuffled))
    for unit in Unit:
        assert other.judged(unit) == case.judged(unit)


@examples(80)
@given(cases())
def test_judging_twice_gives_the_same_and_changes_nothing(case: Case) -> None:
    usages, funds = dict(case.usages), dict(case.funds)
    for unit in Unit:
        assert case.judged(unit) == case.judged(unit)
    assert (usages, funds) == (case.usages, case.funds)


@examples(120)
@given(cases())
def test_every_award_follows_from_its_inputs(case: Case) -> None:
    for unit in Unit:
        for award in case.judged(unit).awards:
            stored = award.stored()
            assert recompute(stored) == award.amount > 0
            if "wanted" in award.inputs:
                assert recompute_wanted(award.inputs) == award.inputs["wanted"] > award.amount


@examples(120)
@given(cases())
def test_no_cap_is_exceeded_and_no_fund_overdrawn(case: Case) -> None:
    by_code = {rule["code"]: rule for rule in case.written}
    for unit in Unit:
        found = case.judged(unit)
        for award in found.awards:
            rule = by_code[award.rule]
            assert award.amount <= rule.get("caps", {}).get("transaction", award.amount)
            assert not rule.get("once") or not _used(case, f"rule/{award.rule}", unit, "").times
        of_campaign = sum(award.amount for award in found.awards if award.campaign == "spring")
        assert of_campaign <= CAMPAIGN["caps"]["transaction"]
        for (holder, subject, period), amount, _times in found.uses:
            limit = _limit(by_code, subject, period, is_operators=holder == OPERATOR)
            before = case.usages[holder, subject, period].amount
            assert limit is None or before + amount <= limit
        assert all(0 < points <= case.funds[fund] for fund, points in found.spends.items())


@examples(100)
@given(cases())
def test_what_is_used_and_spent_is_what_was_given(case: Case) -> None:
    for unit in Unit:
        found = case.judged(unit)
        for fund, points in found.spends.items():
            assert points == sum(award.amount for award in found.awards if fund in award.funds)
        for (_holder, subject, _period), amount, times in found.uses:
            kind, code = subject.removeprefix("growth/").split("/")
            counted = [
                award.amount
                for award in found.awards
                if code == (award.rule if kind == "rule" else award.campaign)
            ]
            assert (amount, times) == (sum(counted), len(counted))
        assert len({use.key for use in found.uses}) == len(found.uses)


@examples(80)
@given(cases())
def test_a_rule_gives_or_is_kept_back_or_does_not_apply_but_never_two_of_them_whole(case: Case) -> None:
    for unit in Unit:
        found = case.judged(unit)
        given_of = {award.rule: award.amount for award in found.awards}
        assert len(given_of) == len(found.awards)
        assert len({each.rule for each in found.fenced}) == len(found.fenced)
        for each in found.fenced:
            assert given_of.get(each.rule, 0) == each.given
            assert each.given < each.wanted or each.fence == "rule_error"


@examples(80)
@given(cases())
def test_more_room_never_gives_less(case: Case) -> None:
    roomier = case._replace(funds={fund: left + 10**9 for fund, left in case.funds.items()})
    empty = roomier._replace(usages={})
    for unit in Unit:
        points = sum(award.amount for award in empty.judged(unit).awards)
        assert points >= sum(award.amount for award in roomier.judged(unit).awards)


def _used(case: Case, subject: str, unit: Unit, period: str) -> Usage:
    prefix = "growth/" if unit is Unit.GROWTH else ""
    return case.usages[case.event.holder_id, prefix + subject, period]


def _limit(by_code: Mapping[str, Any], subject: str, period: str, *, is_operators: bool) -> int | None:
    kind, code = subject.removeprefix("growth/").split("/")
    caps = CAMPAIGN["caps"] if kind == "campaign" else by_code[code].get("caps", {})
    shapes = {0: "ever", 7: "month", 8: "week", 10: "operator_day" if is_operators else "day"}
    limit = caps.get(shapes[len(period)])
    return int(limit) if limit is not None else None
