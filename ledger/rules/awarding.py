"""From an occasion to entries: judge it by the rules in force, then book what they give.

Growth is judged first, so that the points of the occasion can go by the tier that its own growth reaches
(``crossing_rate``). What the fences kept back is told beside what was given; nothing is cut in silence.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ledger.accounts.chart import Account, Unit
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.program import Program
from ledger.accounts.repayment import repay
from ledger.clock import show
from ledger.funds.commands import spend
from ledger.ids import fund_name, holder_id, lot_id, operator_name
from ledger.ids import show as show_id
from ledger.journal.commands import Books, Draft, Source
from ledger.journal.wants import NOTHING, Usage, UsageKey, Use, Wants, count_up
from ledger.rules.engine import evaluate
from ledger.rules.facts import PURCHASE, Award, Facts, Fenced, Line, MemberFacts
from ledger.rules.rulebook import Compiled, rules_at
from ledger.rules.terms import terms_of
from ledger.rules.visits import Visit, purchase_visit, visit_keys

# Asked for once: Python 3.11 finds a member of an enumeration by a function call.
_POINT, _GROWTH = Unit.POINT, Unit.GROWTH
_NAMES = {unit: unit.name for unit in Unit}
_ISSUE = {
    Unit.POINT: (Account.ISSUED, Account.POINTS),
    Unit.GROWTH: (Account.GROWTH_ISSUED, Account.GROWTH),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What may earn: a purchase, an activity, a referral that settles. Amounts in minor units."""

    kind: str
    """``purchase``, the type of an activity, or ``referrer``."""
    member_id: str
    at: datetime
    source: Source
    lines: tuple[Line, ...] = ()
    spent: int = 0
    cash: int = 0
    activity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Judged:
    """What the rules give for an occasion, and what they kept back."""

    awards: list[Award]
    fenced: list[Fenced]
    uses: list[Use]
    spends: dict[str, int]
    """Points to be paid by each fund."""
    arms: dict[str, str]
    tier: str | None = None
    """The tier by which the points went, where the program has tiers."""

    def total(self, unit: Unit) -> int:
        """All that is given in a unit."""
        return sum([award.amount for award in self.awards if award.unit is unit])

    def and_(self, other: "Judged") -> "Judged":
        """Both together, as one entry keeps them."""
        spends = Counter(self.spends)
        spends.update(other.spends)
        return Judged(
            self.awards + other.awards,
            self.fenced + other.fenced,
            self.uses + other.uses,
            dict(spends),
            self.arms | other.arms,
            self.tier,
        )

    def answer(self) -> dict[str, Any]:
        """Its part of the answer: how much of each unit, and why."""
        return {"points": self.total(_POINT), "growth": self.total(_GROWTH), **self.details()}

    def details(self) -> dict[str, Any]:
        """What the entry keeps of it; the awards always, the rest where there is any."""
        kept: dict[str, Any] = {"awards": [award.stored() for award in self.awards]}
        if self.fenced:
            kept["fenced"] = [fenced.stored() for fenced in self.fenced]
        if self.arms:
            kept["arms"] = self.arms
        if self.tier is not None:
            kept["tier"] = self.tier
        return kept


def rules_for(program: Program, occasion: Occasion, asked_at: datetime) -> Compiled:
    """The rules that judge an occasion: in force when it happened, or when it is recorded, as the terms say."""
    judged_at = asked_at if terms_of(program).judged_at == "recorded_at" else occasion.at
    return rules_at(program, judged_at, occasion.source.region)


def visit_of(books: Books, holder: Holder, occasion: Occasion) -> Visit | None:
    """A purchase as a visit. Visits are counted, each and all, from when the program has rules of its own."""
    if not books.program.rules.activations:
        return None
    return purchase_visit(books.usages, holder.holder_id, occasion.at, books.program.timezone)


def wants_of(program: Program, occasion: Occasion, asked_at: datetime) -> Wants:
    """What judging an occasion must see beside the member's books."""
    if not program.rules.activations:
        return NOTHING
    rules = rules_for(program, occasion, asked_at)
    operator, operator_holder = occasion.source.operator, _operator_holder(program, occasion)
    member = holder_id(program.program_id, occasion.member_id)
    keys = list(rules.usage_keys(member, operator_holder, occasion.at, program.timezone))
    if occasion.kind == PURCHASE:
        keys += visit_keys(member)
    others = [fund_name(code) for code in rules.funds(occasion.source, occasion.at)]
    if operator and any(key[0] == operator_holder for key in keys):
        others.append(operator_name(operator))
    return Wants(
        usages=tuple(keys),
        others=tuple(others),
        facts=(occasion.member_id,) if rules.needs_member else (),
    )


def judge(
    books: Books,
    holder: Holder,
    occasion: Occasion,
    visit: Visit | None = None,
    before: Sequence[Judged] = (),
) -> Judged:
    """The awards of an occasion, growth first. Pure; moves nothing. ``visit`` is what is known of the member's habits.

    ``before`` is what the same decision has given already: it counts against caps and funds.
    """
    rules = rules_for(books.program, occasion, books.asked_at)
    tier = books.tier_of(holder, occasion.at)
    facts = _facts(books, holder, occasion, tier, visit)
    funds = {code: _left(books, code, before) for code in rules.funds(occasion.source, occasion.at)}
    usages = _used(books, before)
    growth = evaluate(rules, facts, _GROWTH, usages, funds)
    if tier and growth.awards and crosses_first(books.program, occasion.at):
        tier = books.tier_of(holder, occasion.at, sum(award.amount for award in growth.awards))
        facts = facts._replace(member=facts.member._replace(tier=tier))
    points = evaluate(rules, facts, _POINT, usages, funds)
    return Judged(
        points.awards + growth.awards,
        points.fenced + growth.fenced,
        points.uses + growth.uses,
        points.spends,
        growth.arms | points.arms,
        tier or None,
    )


def crosses_first(program: Program, at: datetime) -> bool:
    """Whether the points of a purchase go by the tier that its own growth reaches."""
    ladder = ladders_of(program).at(at).ladder
    return ladder is not None and ladder.crosses_first


def _facts(books: Books, holder: Holder, occasion: Occasion, tier: str, visit: Visit | None) -> Facts:
    program, known = books.program, books.facts_of(occasion.member_id)
    member = MemberFacts(
        occasion.member_id,
        tier,
        holder.standing.growth,
        holder.standing.available,
        visit.visits if visit else 0,
        visit.streak if visit else 0,
        known.region or "",
        known.store or "",
        known.enrolled_at,
        known.attributes,
    )
    return Facts(
        occasion.kind,
        occasion.at,
        program.timezone,
        program.currency,
        occasion.lines,
        occasion.spent,
        occasion.cash,
        member,
        occasion.source,
        occasion.activity,
        holder.holder_id,
        _operator_holder(program, occasion),
    )


def _operator_holder(program: Program, occasion: Occasion) -> bytes | None:
    operator = occasion.source.operator
    return holder_id(program.program_id, operator_name(operator)) if operator else None


def _left(books: Books, code: str, before: Sequence[Judged]) -> int:
    fund = books.fund(code)
    left = fund.points if fund is not None else 0
    return left - sum([judged.spends.get(code, 0) for judged in before])


def _used(books: Books, before: Sequence[Judged]) -> Mapping[UsageKey, Usage]:
    uses = [use for judged in before for use in judged.uses]
    if not uses:
        return books.usages
    usages = dict(books.usages)
    count_up(usages, uses)
    return usages


class Booked(NamedTuple):
    """The awards of an occasion as postings, the lots that they open as answers show them, and the rolled expiry."""

    postings: list[Posting]
    lots: list[dict[str, Any]]
    extends_to: datetime | None


def book(
    books: Books,
    holder: Holder,
    entry_id: bytes,
    judged: Judged,
    at: datetime,
    *,
    pending_days: int,
    owed: int = 0,
) -> Booked:
    """One lot for each unit given, by the program's terms; a debt is repaid first.

    ``owed`` is what the same entry adds to it.
    """
    terms, timezone = terms_of(books.program), books.program.timezone
    policy = terms.points_expiry
    available_at = at + timedelta(days=pending_days) if pending_days else at
    expires_at = policy.expires_at(at, timezone)
    grants = []
    if points := judged.total(_POINT):
        grants.append((_POINT, points, Opening(at, available_at, expires_at, policy.is_rolling)))
    if growth := judged.total(_GROWTH):
        grants.append((_GROWTH, growth, Opening(at, at, terms.growth_expiry.expires_at(at, timezone))))
    postings, lots = open_lots(entry_id, grants)
    return Booked(
        postings + repay(holder, postings, books.now, owed), lots, expires_at if policy.is_rolling else None
    )


def open_lots(
    entry_id: bytes, grants: list[tuple[Unit, int, Opening]]
) -> tuple[list[Posting], list[dict[str, Any]]]:
    """Issue each grant into a lot of its own: the postings, and the lots as the answer shows them."""
    postings, shown = [], []
    for ordinal, (unit, amount, opening) in enumerate(grants, 1):
        lot = lot_id(entry_id, ordinal)
        postings.append(Posting(*_ISSUE[unit], amount, lot, opening))
        shown.append(
            {
                "lot_id": show_id("lot", lot),
                "unit": _NAMES[unit],
                "amount": amount,
                "available_at": show(opening.available_at),
                "expires_at": opening.expires_at and show(opening.expires_at),
            }
        )
    return postings, shown


def pay(books: Books, judged: Judged, entry_id: bytes, holder: Holder) -> list[Draft]:
    """One entry in the books of each fund that pays for the awards of an entry."""
    return [spend(books, code, points, entry_id, holder.holder_id) for code, points in judged.spends.items()]
