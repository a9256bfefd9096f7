"""The deferral book by another hand: row by row in plain Python, from the entries, postings, policies and estimates.

Nothing of the book's own code or SQL is used. Months are not closed here, so an entry is booked when it was effective.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from tests.till import Till

ZONE = ZoneInfo("Asia/Shanghai")
MINOR = 100
POINTS, HELD, DEBT, ISSUED, REDEEMED, ADJUSTED, TRANSFER = 1, 2, 3, 50, 51, 53, 54
ARRIVALS = ("transfer_in", "merge_in")
Key = tuple[str, str]


@dataclass
class Cohort:
    """What there is of a cohort, in all."""

    price: int = 0
    allocated: int = 0
    reversed: int = 0
    price_changed: int = 0
    issued: int = 0
    clawed: int = 0
    redeemed: int = 0
    left: int = 0
    months: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """At the end of each month: the allocation that is left, points issued and not clawed back, points redeemed."""

    @property
    def allocation(self) -> int:
        return self.allocated - self.reversed - self.price_changed


def half_up(number: Fraction) -> int:
    return floor(number + Fraction(1, 2))


class Books:
    """Everything that was recorded by one time and effective by another."""

    def __init__(self, till: Till, as_of: datetime, known_as_of: datetime) -> None:
        self.as_of = as_of
        program = till.program.program_id
        self.entries = {
            (row["holder_id"], row["entry_id"]): row
            for row in rows(
                till,
                "SELECT e.*, h.member_id FROM entries e JOIN holders h USING (holder_id) WHERE h.program_id = :p"
                " ORDER BY e.entry_id",
                p=program,
            )
            if row["recorded_at"] <= known_as_of
        }
        self.postings: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in rows(till, "SELECT * FROM postings WHERE unit = 1 ORDER BY entry_id, holder_id, ordinal"):
            self.postings[row["holder_id"], row["entry_id"]].append(row)
        self.policies = rows(
            till, "SELECT * FROM deferral_policies WHERE program_id = :p ORDER BY version", p=program
        )
        self.estimates = rows(
            till, "SELECT * FROM estimates WHERE program_id = :p ORDER BY version", p=program
        )
        self.rates = rows(till, "SELECT * FROM rates WHERE program_id = :p ORDER BY version", p=program)
        self.known = [each for each in self.estimates if each["recorded_at"] <= known_as_of]
        self.keys: dict[Any, Key] = {}
        self.cohorts: dict[Key, Cohort] = defaultdict(Cohort)
        self._trace()
        self._count()

    def counts(self, entry: dict[str, Any]) -> bool:
        return bool(self.dated(entry) <= self.as_of)

    @staticmethod
    def dated(entry: dict[str, Any]) -> datetime:
        at: datetime = entry["effective_at"]
        return at - timedelta(microseconds=1) if entry["kind"] == "expire" else at

    def _trace(self) -> None:
        """Of which month and pool each lot's points are, followed entry by entry from where they came."""
        for (holder, _), entry in self.entries.items():
            opened = [p for p in self._postings(entry) if p["credit"] == POINTS and opens(entry, p)]
            came = self._came_from(entry)
            for posting in opened:
                if posting["debit"] == TRANSFER and came:
                    # What comes from another member stands where it left; a lot of grace is of the first it takes in.
                    place = posting["ordinal"] if entry["kind"] in ARRIVALS else min(came)
                    key = came[place]
                else:
                    key = own_key(entry)
                self.keys[holder, posting["lot_id"]] = key

    def _came_from(self, entry: dict[str, Any]) -> dict[int, Key]:
        came = (entry["peer_holder_id"], entry["parent_entry_id"])
        other = self.entries[came] if entry["kind"] in ARRIVALS else entry
        out = [p for p in self._postings(other) if (p["debit"], p["credit"]) == (POINTS, TRANSFER)]
        return {p["ordinal"]: self.keys[other["holder_id"], p["lot_id"]] for p in out}

    def _count(self) -> None:
        entries = sorted(
            (each for each in self.entries.values() if self.counts(each)),
            key=lambda each: (month_of(self.dated(each)), each["entry_id"]),
        )
        for entry in entries:
            month = month_of(self.dated(entry))
            for posting in self._postings(entry):
                self._move(entry, posting)
            if entry["kind"] == "earn":
                self._sell(entry)
            elif entry["kind"] in ("return", "reversal"):
                self._take_back(entry)
            for cohort in self.cohorts.values():
                cohort.months[month] = (cohort.allocation, cohort.issued - cohort.clawed, cohort.redeemed)

    def _move(self, entry: dict[str, Any], posting: dict[str, Any]) -> None:
        """What a posting does to the cohort of its lot, and to the one whose goods went back."""
        holder, amount = entry["holder_id"], posting["amount"]
        debit, credit = posting["debit"], posting["credit"]
        own = self.keys.get((holder, posting["lot_id"])) if posting["lot_id"] else None
        undone = None
        if entry["kind"] in ("return", "reversal") and (
            credit in (ISSUED, ADJUSTED) or (debit, credit) == (ISSUED, DEBT)
        ):
            parent = self.entries.get((holder, entry["parent_entry_id"]))
            undone = own_key(parent) if parent else None
        if own is None:
            # Spent before they were taken back: what repays the debt is what was redeemed. Or the member buys them.
            if undone:
                taken = -amount if debit == ISSUED else amount
                self.cohorts[undone].clawed += taken
                self.cohorts[undone].redeemed -= taken
            return
        mine = self.cohorts[own]
        mine.left += amount * ((credit in (POINTS, HELD)) - (debit in (POINTS, HELD)))
        if credit == POINTS and debit in (ISSUED, ADJUSTED):
            mine.issued += amount
        elif credit == POINTS and debit == REDEEMED:
            mine.redeemed -= amount
        elif credit in (REDEEMED, DEBT):
            mine.redeemed += amount
        elif credit in (ISSUED, ADJUSTED) and undone in (None, own):
            mine.clawed += amount
        elif credit in (ISSUED, ADJUSTED) and undone:
            # Points of another month had to do, for those that should have gone back have been spent.
            mine.redeemed += amount
            self.cohorts[undone].redeemed -= amount
            self.cohorts[undone].clawed += amount

    def allocation(self, entry: dict[str, Any]) -> tuple[str, int, int, int]:
        """Method, price without tax, points and what the points bear of the price."""
        cohort, details = month_of(entry["effective_at"]), entry["details"]
        total = sum(line["amount"] for line in details["lines"])
        before = [
            p
            for p in self.policies
            if p["policy_id"] < entry["entry_id"] and p["applies_from"] <= day(cohort)
        ]
        policy = before[-1]
        price = half_up(Fraction(details.get("cash", total)) / (1 + Fraction(policy["tax_rate"])))
        points = sum(
            p["amount"] for p in self._postings(entry) if (p["debit"], p["credit"]) == (ISSUED, POINTS)
        )
        value = Fraction(policy["unit_value"] or self._bid(entry)) * MINOR
        if policy["method"] == "cost_provision":
            return policy["method"], price, points, 0
        if policy["method"] == "deferral_residual_fv":
            return policy["method"], price, points, min(price, half_up(points * value))
        apart = points * value * self._expected_by(entry)
        share = apart / (apart + price) if apart + price else Fraction(0)
        if (decimals := policy["share_decimals"]) is not None:
            share = Fraction(half_up(share * 10**decimals), 10**decimals)
        return policy["method"], price, points, half_up(price * share)

    def _bid(self, entry: dict[str, Any]) -> Decimal:
        begun = [
            r
            for r in self.rates
            if r["version"] == 1
            or (r["valid_from"] <= entry["effective_at"] and r["rate_id"] < entry["entry_id"])
        ]
        bid: Decimal = max(begun, key=lambda r: (r["valid_from"], r["version"]))["bid"]
        return bid

    def _expected_by(self, entry: dict[str, Any]) -> Fraction:
        cohort = day(month_of(entry["effective_at"]))
        known = [e for e in self.estimates if e["estimate_id"] < entry["entry_id"]]
        return share_of(known, cohort, cohort)

    def _sell(self, entry: dict[str, Any]) -> None:
        _, price, points, allocated = self.allocation(entry)
        if points:
            cohort = self.cohorts[own_key(entry)]
            cohort.price += price
            cohort.allocated += allocated

    def _take_back(self, entry: dict[str, Any]) -> None:
        sale = self.entries.get((entry["holder_id"], entry["parent_entry_id"]))
        if sale is None or sale["kind"] != "earn":
            return
        _, price, points, allocated = self.allocation(sale)
        if not points:
            return
        total = sum(line["amount"] for line in sale["details"]["lines"])
        money = sale["details"].get("cash", total) if "paid" in sale["details"] else total
        earlier = [
            each
            for each in self.entries.values()
            if (each["holder_id"], each["parent_entry_id"], each["kind"])
            == (entry["holder_id"], sale["entry_id"], "return")
            and each["version"] < entry["version"]
        ]
        before = [sum(each) for each in zip(*map(self._back, earlier), strict=True)] or [0, 0, 0]
        if entry["kind"] == "reversal":
            after = [total, money, points]
        else:
            after = [one + other for one, other in zip(before, self._back(entry), strict=True)]
        cohort = self.cohorts[own_key(sale)]

        def lost(amount: int, whole: int, which: int) -> int:
            if not whole:
                return 0
            kept = [Fraction(amount * (whole - back[which]), whole) for back in (before, after)]
            return half_up(kept[0]) - half_up(kept[1])

        reversed_ = lost(allocated, points, 2)
        cohort.reversed += reversed_
        cohort.price_changed += lost(allocated, total, 0) - reversed_
        cohort.price -= lost(price, money, 1)

    def _back(self, entry: dict[str, Any]) -> tuple[int, int, int]:
        """Goods by price, money, and points that came back with a return."""
        goods = sum(line["amount"] for line in entry["details"]["lines"])
        money = entry["details"].get("refunded", {}).get("cash", goods)
        points = sum(
            posting["amount"] * ((posting["credit"] == ISSUED) - (posting["debit"] == ISSUED))
            for posting in self._postings(entry)
        )
        return goods, money, points

    def _postings(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        return self.postings[entry["holder_id"], entry["entry_id"]]

    def kind_of(self, key: Key, known_as_of: datetime) -> tuple[str, dict[str, Any]]:
        """How a cohort is measured, and by which policy."""
        policy = [
            p
            for p in self.policies
            if p["applies_from"] <= day(key[0]) and (p["recorded_at"] <= known_as_of or p["version"] == 1)
        ][-1]
        return (policy["method"] if key[1] == "sale" else "cost_provision"), policy

    def liability(self, key: Key, known_as_of: datetime) -> int:
        """What a cohort carries, by the formula alone."""
        cohort = self.cohorts[key]
        method, policy = self.kind_of(key, known_as_of)
        if not cohort.left or method == "agent_net":
            return 0
        ever = share_of(self.known, day(key[0]), day(month_of(self.as_of))) * (cohort.issued - cohort.clawed)
        if method == "cost_provision":
            cost = policy["unit_cost"]
            if cost is None:
                begun = [r for r in self.rates if r["version"] == 1 or r["valid_from"] <= self.as_of]
                begun = [r for r in begun if r["version"] == 1 or r["recorded_at"] <= known_as_of]
                cost = max(begun, key=lambda r: (r["valid_from"], r["version"]))["bid"]
            return round(max(Fraction(0), ever - cohort.redeemed) * Fraction(cost) * MINOR)
        return cohort.allocation - released(cohort.allocation, ever, cohort.redeemed)

    def released_and_trued_up(self, key: Key) -> tuple[int, int]:
        """What a deferral released on redemption at each month's first estimate, and what its last one changed."""
        cohort, on_redemption, trueup, done = self.cohorts[key], 0, 0, 0
        ends = dict(cohort.months)
        share = share_at_issue(self.known, day(key[0]))
        state = (0, 0, 0)
        for month in months(min(ends), month_of(self.as_of)):
            state = ends.get(month, state)
            allocation, points, redeemed = state
            now = released(allocation, share * points, redeemed)
            on_redemption, done = on_redemption + now - done, now
            share = share_of(self.known, day(key[0]), day(month))
            now = released(allocation, share * points, redeemed)
            trueup, done = trueup - (now - done), now
        return on_redemption, trueup


def released(allocation: int, ever: Fraction, redeemed: int) -> int:
    if ever <= 0 or redeemed <= 0:
        return 0
    return round(allocation * min(Fraction(1), redeemed / ever))


def share_of(estimates: list[dict[str, Any]], cohort: date, month: date) -> Fraction:
    """The latest for the cohort itself, or else for all of them; everything, where there is none."""
    found = Fraction(1)
    for general in (True, False):
        for each in estimates:
            if each["applies_from"] <= month and each["cohort"] == (None if general else cohort):
                found = Fraction(each["expected_redemption"])
    return found


def share_at_issue(estimates: list[dict[str, Any]], cohort: date) -> Fraction:
    own = [each for each in estimates if each["cohort"] == cohort and each["applies_from"] <= cohort]
    general = [each for each in estimates if each["cohort"] is None and each["applies_from"] <= cohort]
    before = [each for each in general if each["applies_from"] < cohort]
    chosen = own[0] if own else before[-1] if before else general[0] if general else None
    return Fraction(chosen["expected_redemption"]) if chosen else Fraction(1)


def own_key(entry: dict[str, Any]) -> Key:
    return month_of(entry["effective_at"]), "sale" if entry["kind"] == "earn" else "award"


def opens(entry: dict[str, Any], posting: dict[str, Any]) -> bool:
    """Whether the posting's lot is one of the entry's own: its id is the entry's but for its end."""
    lot = posting["lot_id"]
    return lot is not None and lot.bytes[:14] == entry["entry_id"].bytes[:14]


def month_of(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m}"


def day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def months(first: str, last: str) -> list[str]:
    found, at = [], day(first)
    while (month := f"{at:%Y-%m}") <= last:
        found.append(month)
        at = (at + timedelta(days=31)).replace(day=1)
    return found


def rows(till: Till, statement: str, **values: Any) -> list[dict[str, Any]]:
    with till.reading() as connection:
        return [dict(row) for row in connection.execute(text(statement), values).mappings()]
