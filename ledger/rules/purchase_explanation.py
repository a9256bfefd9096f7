"""A purchase explained: what it earned and by which rules, what was held back and why, what became of it.

Pure. What is told is what was recorded: the awards as they stand on the entry, the amounts that the postings
and the lots have.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.chart import Account, Unit
from ledger.accounts.lots import Lot
from ledger.accounts.program import Program
from ledger.clock import FAR_FUTURE, show
from ledger.ids import show as show_id
from ledger.rules.explain import Called, explain
from ledger.rules.fence_words import explain_fence
from ledger.rules.names import Names
from ledger.rules.phrases import amount_of, clauses, day_of, last_day_of, money_of, plain
from ledger.rules.words import Text, say


class Entry(NamedTuple):
    """An entry as an explanation tells it."""

    entry_id: bytes
    version: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    terms_version: int
    reference: str | None
    region: str | None
    details: dict[str, Any]


class Moved(NamedTuple):
    """How much entries of one kind have moved between a lot and another account, and when.

    Holds for a review are told apart from those of orders, as of kind ``review``.
    """

    lot_id: bytes
    kind: str
    debit: Account
    credit: Account
    amount: int
    first_at: datetime
    last_at: datetime


class Taken(NamedTuple):
    """A return, a reversal or a rejection, and what it took back. ``shortfall`` is the part of it that is owed."""

    entry: Entry
    points: int
    growth: int
    shortfall: int


class Reviewed(NamedTuple):
    """Points of a purchase that were held until somebody had looked."""

    hold_id: bytes
    points: int
    status: str
    """As it is booked: ``open`` where the clock has not been followed."""
    expires_at: datetime

    def status_at(self, now: datetime) -> str:
        """By the clock."""
        return "lapsed" if self.status == "open" and self.expires_at <= now else self.status


class RuleSetVersion(NamedTuple):
    """A version of the rules of a region, or of headquarters (empty)."""

    owner: str
    version: int


class Bought(NamedTuple):
    """A purchase and what came of it."""

    member_id: str
    entry: Entry
    rule_sets: list[RuleSetVersion]
    """What was in force; none: the rates of the terms."""
    issued: Mapping[Unit, int]
    """What its postings issued."""
    repaid: int
    """The part of the points that repaid a debt at once."""
    lots: list[Lot]
    moved: list[Moved]
    taken: list[Taken]
    reviewed: Reviewed | None

    @property
    def judged_by(self) -> list[RuleSetVersion]:
        """Whose rules judged it: as the awards say, and as was in force where an owner's gave nothing."""
        awards = self.entry.details.get("awards", ())
        given = {award.get("owner", ""): int(award["rule_version"]) for award in awards}
        return [each._replace(version=given.get(each.owner, each.version)) for each in self.rule_sets]


def purchase_explained(program: Program, bought: Bought, now: datetime) -> dict[str, Any]:
    """The purchase with all that came of it by ``now``. The awards of a unit add up to its total."""
    entry, names = bought.entry, Names(program)
    details, tier = entry.details, entry.details.get("tier")
    spent = sum(line["amount"] for line in details["lines"])
    awards = [award_told(award, entry, names) for award in details.get("awards", ())]
    fenced = [_fence_told(each, bought, names) for each in details.get("fenced", ())]
    return {
        "purchase_id": entry.reference,
        "member_id": bought.member_id,
        "entry_id": show_id("ent", entry.entry_id),
        "occurred_at": show(entry.effective_at),
        "recorded_at": show(entry.recorded_at),
        "tier": tier and {"code": tier, "name": names.tier(tier, entry.terms_version)},
        "terms_version": entry.terms_version,
        "rule_sets": [each._asdict() for each in bought.judged_by],
        "spent": _money(spent, details),
        # Kept only where a part was paid with points.
        "cash": _money(details.get("cash", spent), details),
        "lines": _lines(details, bought.taken),
        "awards": awards,
        "fenced": fenced,
        "arms": details.get("arms", {}),
        "lots": [_lot_told(lot, bought, program.timezone, now) for lot in bought.lots],
        "returns": [_taken_told(each, details, program.timezone) for each in bought.taken],
        "review": bought.reviewed and _review_told(bought.reviewed, program.timezone, now),
        "totals": _totals(bought),
    }


def award_told(award: Mapping[str, Any], entry: Entry, names: Names) -> dict[str, Any]:
    """A stored award with the name of its rule and its arithmetic in words."""
    judged_at = names.judged_at(entry.terms_version, entry.effective_at, entry.recorded_at)

    def name_of(code: str) -> Text:
        return names.rule(code, award["rule_version"], award.get("owner", ""), judged_at)

    return {
        **award,
        "name": name_of(award["rule"]),
        "explanation": explain(award, Called(name_of, names.tier)),
    }


def _fence_told(fenced: Mapping[str, Any], bought: Bought, names: Names) -> dict[str, Any]:
    # What was kept back names no version. Codes are unique among the rules that judge a purchase.
    def name_of(code: str) -> Text:
        found = [names.rule(code, each.version, each.owner, FAR_FUTURE) for each in bought.judged_by]
        return next((name for name in found if name != plain(code)), plain(code))

    return {**fenced, "name": name_of(fenced["rule"]), "explanation": explain_fence(fenced, name_of)}


def _money(amount: int, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"amount": amount, "currency": details["currency"]}


def _lines(details: Mapping[str, Any], taken: list[Taken]) -> list[dict[str, Any]]:
    returned: dict[str, tuple[int, int]] = {}
    for line in (line for each in taken for line in each.entry.details.get("lines", ())):
        quantity, amount = returned.get(line["line_id"], (0, 0))
        returned[line["line_id"]] = (quantity + line["quantity"], amount + line["amount"])
    return [
        {
            "line_id": line["line_id"],
            "sku": line.get("sku"),
            "category": line.get("category"),
            "quantity": line["quantity"],
            "amount": line["amount"],
            "returned": dict(zip(("quantity", "amount"), returned.get(line["line_id"], (0, 0)), strict=True)),
        }
        for line in details["lines"]
    ]


def _totals(bought: Bought) -> dict[str, int]:
    points, growth = bought.issued[Unit.POINT], bought.issued[Unit.GROWTH]
    points_back = sum(each.points for each in bought.taken)
    growth_back = sum(each.growth for each in bought.taken)
    return {
        "points": points,
        "growth": growth,
        "points_repaid_debt": bought.repaid,
        "points_clawed_back": points_back,
        "growth_clawed_back": growth_back,
        "points_kept": points - points_back,
        "growth_kept": growth - growth_back,
    }


# --- what was taken back -----------------------------------------------------------------------------


def _taken_told(taken: Taken, details: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    entry = taken.entry
    lines = entry.details.get("lines", [])
    back = sum(line["amount"] for line in lines)
    return {
        "entry_id": show_id("ent", entry.entry_id),
        "kind": entry.kind,
        "return_id": entry.reference if entry.kind == "return" else None,
        "occurred_at": show(entry.effective_at),
        "lines": lines,
        "points_clawed_back": taken.points,
        "growth_clawed_back": taken.growth,
        "shortfall": taken.shortfall,
        "explanation": _taken_in_words(taken, back, details["currency"], timezone),
    }


def _taken_in_words(taken: Taken, back: int, currency: str, timezone: str) -> Text:
    day = day_of(taken.entry.effective_at, timezone)
    told = [
        say("taken.return", day=day, money=money_of(back, currency))
        if taken.entry.kind == "return"
        else say(f"taken.{taken.entry.kind}", day=day),
        say(
            "taken.amounts", points=amount_of("POINT", taken.points), growth=amount_of("GROWTH", taken.growth)
        ),
    ]
    if taken.shortfall:
        told.append(say("taken.owed", points=amount_of("POINT", taken.shortfall)))
    return clauses(told)


def _review_told(reviewed: Reviewed, timezone: str, now: datetime) -> dict[str, Any]:
    status = reviewed.status_at(now)
    slots = {"points": amount_of("POINT", reviewed.points)}
    if status == "open":
        slots["day"] = day_of(reviewed.expires_at, timezone)
    return {
        "hold_id": show_id("hld", reviewed.hold_id),
        "points": reviewed.points,
        "status": status,
        "expires_at": show(reviewed.expires_at),
        "explanation": say(f"review.{status}", **slots),
    }


# --- what became of the lots -------------------------------------------------------------------------


_LEFT: Final = {
    Account.REDEEMED: "used",
    Account.TRANSFER: "sent",
    Account.ISSUED: "taken_back",
    Account.GROWTH_ISSUED: "taken_back",
    Account.DEBT: "repaid",
    Account.HELD: "set_aside",
    Account.EXPIRED: "expired",
    Account.GROWTH_LAPSED: "expired",
}
"""What it means that points or growth have left a lot for that account."""


def _lot_told(lot: Lot, bought: Bought, timezone: str, now: datetime) -> dict[str, Any]:
    became = [_became(moved) for moved in bought.moved if moved.lot_id == lot.lot_id]
    if lot.remaining and not lot.is_live(now):
        # The clock has taken it; no sweep has booked it yet.
        became.append(Became("expired", lot.remaining, lot.expires_at or now, lot.expires_at or now))
    left = lot.remaining if lot.is_live(now) else 0
    return {
        "lot_id": show_id("lot", lot.lot_id),
        "unit": Unit(lot.unit).name,
        "amount": lot.original,
        "remaining": left,
        "state": _state(lot, became, now),
        "available_at": show(lot.available_at),
        "expires_at": lot.expires_at and show(lot.expires_at),
        "became": [each.shown() for each in became],
        "explanation": _lot_in_words(lot, left, became, timezone, now),
    }


class Became(NamedTuple):
    """What became of a part of a lot. ``given_back`` has come back into it; all else has left it."""

    what: str
    amount: int
    first_at: datetime
    last_at: datetime

    def shown(self) -> dict[str, Any]:
        """The form of answers."""
        return {
            "what": self.what,
            "amount": self.amount,
            "first_at": show(self.first_at),
            "last_at": show(self.last_at),
        }


def _became(moved: Moved) -> Became:
    what = "held_for_review" if moved.kind == "review" else _LEFT.get(moved.credit, "given_back")
    return Became(what, moved.amount, moved.first_at, moved.last_at)


def _state(lot: Lot, became: list[Became], now: datetime) -> str:
    if lot.is_live(now):
        return "available" if lot.available_at <= now else "pending"
    return "expired" if any(each.what == "expired" for each in became) else "spent"


def _lot_in_words(lot: Lot, left: int, became: list[Became], timezone: str, now: datetime) -> Text:
    unit = Unit(lot.unit).name
    told = [say("lot.opened", amount=amount_of(unit, lot.original))]
    if left:
        told.append(_left_in_words(lot, left, timezone, now))
    told += [_became_in_words(each, timezone) for each in became]
    return clauses(told)


def _became_in_words(became: Became, timezone: str) -> Text:
    if became.what == "expired":
        return say("lot.expired", number=became.amount, day=last_day_of(became.last_at, timezone))
    when = say(
        "when.once" if became.first_at == became.last_at else "when.last",
        day=day_of(became.last_at, timezone),
    )
    return say(f"lot.{became.what}", number=became.amount, when=when)


def _left_in_words(lot: Lot, left: int, timezone: str, now: datetime) -> Text:
    is_growth = lot.unit == Unit.GROWTH
    if lot.expires_at is None:
        until = say("until.never")
    else:
        until = say("until.day", day=last_day_of(lot.expires_at, timezone))
    if is_growth:
        return say("lot.counts", number=left, until=until)
    if lot.available_at > now:
        since = day_of(lot.available_at, timezone)
        return say("lot.pending", number=left, since=since, until=until)
    return say("lot.available", number=left, until=until)
