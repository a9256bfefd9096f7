"""Laws of the book, over random cohorts, estimates and rates."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.deferral.book import CohortKey, Facts, Measured, Rows, Step, measure
from ledger.finance.deferral.policy import Estimate, Policy, expected
from tests.finance.deferral.cohorts import MINOR, award, estimate, month, policy, sale

MONTHS = 8

SHARES = st.fractions(Fraction(1, 50), 1, max_denominator=1_000)


@st.composite
def estimates_(draw: st.DrawFn) -> list[Estimate]:
    """Versions for some of the cohorts or all of them, from some month on."""
    return [
        estimate(
            str(draw(st.decimals("0.02", "1", places=3))),
            draw(st.integers(1, MONTHS)),
            version,
            draw(st.sampled_from((1, 2, None))),
        )
        for version in range(1, draw(st.integers(0, 6)) + 1)
    ]


@st.composite
def lives(draw: st.DrawFn, first: int = 1, ends: bool = False) -> list[Facts]:
    """What happens to a cohort, event by event; never more than there is. All points are gone, if it ends."""
    events: list[Facts] = []
    left = redeemed = allocation = 0
    for kind in draw(st.lists(st.sampled_from("iirrrclpb"), min_size=1, max_size=12)):
        points = draw(st.integers(1, 500))
        if kind == "i":
            allocated = draw(st.integers(0, 10_000))
            events.append(Facts(price=allocated * 3, allocated=allocated, issued=points, left=points))
            left, allocation = left + points, allocation + allocated
        elif kind == "b":
            back = min(points, redeemed)
            events.append(Facts(redeemed=-back, left=back))
            left, redeemed = left + back, redeemed - back
        elif kind == "p":
            lost = draw(st.integers(-5, min(allocation, 50)))
            events.append(Facts(price_changed=lost))
            allocation -= lost
        else:
            taken = min(points, left)
            left -= taken
            if kind == "r":
                events.append(Facts(redeemed=taken, left=-taken))
                redeemed += taken
            elif kind == "l":
                events.append(Facts(left=-taken))
            else:
                reversed_ = draw(st.integers(0, allocation))
                events.append(Facts(clawed=taken, left=-taken, reversed=reversed_))
                allocation -= reversed_
    if ends:
        events.append(Facts(left=-left))
    return events


def stretched(
    random: Random, lives_: Mapping[CohortKey, Sequence[Facts]], bids: Sequence[Fraction]
) -> list[Step]:
    """The events of some cohorts spread over the months, two steps in each, at the bids in turn."""
    steps = [Step(month(1 + n // 2), bids[n % len(bids)], {}) for n in range(2 * MONTHS)]
    for key, events in lives_.items():
        begins = 2 * (key.month.month - 1)
        places = sorted(random.randrange(begins, len(steps)) for _ in events)
        for place, event in zip(places, events, strict=True):
            found = dict(steps[place].facts)
            happened = found.setdefault(key, Facts())
            together = Facts()
            together.add(happened)
            together.add(event)
            found[key] = together
            steps[place] = steps[place]._replace(facts=found)
    return steps


BIDS = st.lists(st.fractions(Fraction(1, 10), 3, max_denominator=1_000), min_size=1, max_size=4)
POLICIES = [policy(), policy("deferral_residual_fv", 2, applies_from=month(2))]
PROVISIONS = [policy("cost_provision")]


def book_of(
    steps: Sequence[Step], estimates: Sequence[Estimate], policies: Sequence[Policy] = POLICIES
) -> dict[CohortKey, Measured]:
    return {each.key: each for each in measure(steps, policies, estimates, MINOR)}


@given(lives(ends=True), lives(ends=True), estimates_(), BIDS, st.randoms(use_true_random=False))
def test_over_a_life_what_is_released_is_the_allocation_exactly(
    one: list[Facts], other: list[Facts], estimates: list[Estimate], bids: list[Fraction], random: Random
) -> None:
    steps = stretched(random, {sale(1): one, sale(2): other}, bids)
    for measured in book_of(steps, estimates).values():
        rows, facts = measured.rows, measured.facts
        released = rows.released_on_redemption + rows.released_on_expiry - rows.estimate_trueup
        assert released == facts.allocation == facts.allocated - facts.reversed - facts.price_changed
        assert rows.liability == 0
        assert rows.revalued == 0


@given(lives(), estimates_(), BIDS, st.randoms(use_true_random=False))
def test_at_every_close_both_kinds_stand_as_their_formulas_say(
    events: list[Facts], estimates: list[Estimate], bids: list[Fraction], random: Random
) -> None:
    """They have the same N and R: one is L less the share of N that R is, the other the rest of N at its cost."""
    steps = stretched(random, {sale(1): events}, bids)
    for end in range(2, len(steps) + 1, 2):
        if not any(step.facts for step in steps[:end]):
            continue
        (deferral,) = book_of(steps[:end], estimates).values()
        (provision,) = book_of(steps[:end], estimates, PROVISIONS).values()
        assert deferral.estimate == provision.estimate
        facts, share = deferral.facts, expected(deferral.estimate)
        ever = share * (facts.issued - facts.clawed)
        if not facts.left:
            assert deferral.rows.liability == provision.rows.liability == 0
            continue
        used = min(Fraction(1), facts.redeemed / ever) if ever and facts.redeemed > 0 else Fraction(0)
        assert deferral.rows.liability == facts.allocation - round(facts.allocation * used)
        assert provision.rows.liability == round(max(Fraction(0), ever - facts.redeemed) * steps[end - 1].bid)
        assert deferral.liability_if(share) == deferral.rows.liability
        assert provision.liability_if(share) == provision.rows.liability


@given(lives(), estimates_(), BIDS, BIDS, st.integers())
def test_no_rate_moves_a_deferral(
    events: list[Facts], estimates: list[Estimate], bids: list[Fraction], others: list[Fraction], seed: int
) -> None:
    one = book_of(stretched(Random(seed), {sale(1): events}, bids), estimates)
    other = book_of(stretched(Random(seed), {sale(1): events}, others), estimates)
    assert [each.rows for each in one.values()] == [each.rows for each in other.values()]


@given(lives(), estimates_(), BIDS, st.integers(1, 2 * MONTHS - 1), st.randoms(use_true_random=False))
def test_rates_move_a_provision_by_what_is_to_come_and_by_no_other_row(
    events: list[Facts], estimates: list[Estimate], bids: list[Fraction], at: int, random: Random
) -> None:
    """A rate that changes within a month, between two steps: the difference is the rate's times N - R."""
    steps = stretched(random, {sale(1): events}, bids[:1])
    if not any(step.facts for step in steps[:at]) or steps[at].month != steps[at - 1].month:
        return
    quiet = [*steps[:at], Step(steps[at].month, bids[0], {})]
    moved = [*steps[:at], Step(steps[at].month, bids[0] * 2, {})]
    (before,), (after,) = (book_of(each, estimates, PROVISIONS).values() for each in (quiet, moved))
    others = {name: value for name, value in vars_of(after.rows).items() if name != "revalued"}
    opening = {name: value for name, value in vars_of(before.rows).items() if name != "revalued"}
    # Its own estimate trues the month up at the new rate, and what has lapsed is what was provided.
    for name in ("deferred", "issue_reversals", "released_on_redemption"):
        assert others[name] == opening[name]
    if after.facts.left:
        assert abs(after.rows.liability - 2 * before.rows.liability) <= 1


def vars_of(rows: Rows) -> dict[str, int]:
    return {name: getattr(rows, name) for name in Rows.__slots__}


@given(lives(), lives(), lives(), estimates_(), BIDS, st.integers(), st.randoms(use_true_random=False))
def test_cohorts_are_nobody_elses_business_and_their_order_does_not_matter(
    one: list[Facts],
    two: list[Facts],
    three: list[Facts],
    estimates: list[Estimate],
    bids: list[Fraction],
    seed: int,
    random: Random,
) -> None:
    lives_ = {sale(1): one, sale(2): two, award(2): three}
    steps = stretched(Random(seed), lives_, bids)
    together = book_of(steps, estimates)
    turned = [step._replace(facts=dict(reversed(list(step.facts.items())))) for step in steps]
    assert book_of(turned, estimates) == together
    for key in together:
        alone = [step._replace(facts={key: step.facts[key]} if key in step.facts else {}) for step in steps]
        assert book_of(alone, estimates) == {key: together[key]}


@given(lives(), estimates_(), BIDS, st.randoms(use_true_random=False))
def test_periods_add_up_wherever_they_are_cut(
    events: list[Facts], estimates: list[Estimate], bids: list[Fraction], random: Random
) -> None:
    steps = stretched(random, {sale(1): events, award(1): events}, bids)
    for policies in (POLICIES, PROVISIONS):
        ends = [book_of(steps[:end], estimates, policies) for end in range(1, len(steps) + 1)]
        for key, last in ends[-1].items():
            found = [each[key].rows if key in each else Rows() for each in ends]
            parts = [after.since(before) for before, after in zip([Rows(), *found], found, strict=False)]
            total = Rows()
            for part in parts:
                total.add(part)
            assert total == last.rows
            assert list(accumulate(part.liability for part in parts))[-1] == last.rows.liability


@given(lives(), estimates_(), BIDS, SHARES, st.randoms(use_true_random=False))
def test_more_expected_redemption_never_lowers_the_liability(
    events: list[Facts], estimates: list[Estimate], bids: list[Fraction], share: Fraction, random: Random
) -> None:
    steps = stretched(random, {sale(1): events}, bids)
    for policies in (POLICIES, PROVISIONS):
        (measured,) = book_of(steps, estimates, policies).values()
        if measured.facts.allocation >= 0:
            assert measured.liability_if(share * Fraction(9, 10)) <= measured.liability_if(share)
