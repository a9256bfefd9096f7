"""A shop that takes points: whatever members, tills and clocks may do with quotes, holds, purchases and returns.

A step is three numbers, so sequences are drawn fast and shrink well. The shop knows from its own notes which
quotes and holds are good, and demands that the ledger says the same; the laws of value follow every entry.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count, pairwise
from typing import Any

from ledger.accounts.program import RateVersion
from ledger.errors import LedgerError
from ledger.fx.quotes import MakeQuote
from ledger.fx.rates import require_fitting
from ledger.ids import holder_id
from ledger.journal.commands import Command
from ledger.redemption.commands import Redeem, Refund
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import OfflinePayment, PointsPart
from ledger.rules.returns import Return, ReturnedLine
from tests.builders import NOW, Bench, earning, expire, program
from tests.model.invariants import MICRO
from tests.model.memory import MemoryDriver
from tests.properties.laws_of_value import Laws

MEMBERS = ("m-1", "m-1", "m-1", "m-2")
STEPS = [
    *["gift"] * 2,
    *["buy"] * 3,
    *["quote"] * 2,
    *["quote_and_pay"] * 5,
    *["pay"] * 3,
    *["pay_offline"] * 2,
    *["hold"] * 2,
    *["hold_quote"] * 3,
    *["capture"] * 3,
    *["release"] * 2,
    *["redeem"] * 4,
    *["redeem_quote"] * 2,
    *["refund"] * 3,
    *["give_back"] * 8,
    *["reverse"],
    *["wait"] * 5,
    *["move_rate"] * 3,
    *["sweep"],
]
WAITS = (
    timedelta(minutes=2),
    timedelta(minutes=4),
    timedelta(minutes=10),
    timedelta(minutes=16),
    timedelta(hours=5),
    timedelta(hours=30),
    timedelta(days=3),
    timedelta(days=40),
)

Step = tuple[int, int, int]


@dataclass
class Quoted:
    """A quote as it was answered, and what has become of it."""

    answer: dict[str, Any]
    member: str
    version: int
    expires_at: datetime
    is_used: bool = False
    hold: "Held | None" = None


@dataclass
class Held:
    """A hold as it was answered."""

    hold_id: str
    points: int
    expires_at: datetime
    is_closed: bool = False

    def is_open(self, now: datetime) -> bool:
        return not self.is_closed and now < self.expires_at


@dataclass
class Bought:
    """A purchase, what it was paid with, and what has come back of it."""

    answer: dict[str, Any]
    lines: dict[str, int]
    cash: int
    points: int = 0
    back: dict[str, int] = field(default_factory=dict)
    got: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("points", "cash", "earned", "growth"), 0)
    )
    is_reversed: bool = False

    @property
    def entry_id(self) -> bytes:
        return bytes.fromhex(self.answer["entry_id"].removeprefix("ent_"))


class Shop:
    """One program in memory, and the notes of whoever works there."""

    def __init__(self, micros: int, *, begins: datetime = NOW, gift: int = 400, **terms: Any) -> None:
        made = program(**terms)
        self.numbers = count(1)
        self.prices: dict[int, tuple[int, int]] = {}
        self.rates: list[RateVersion] = []
        self.bench = Bench(MemoryDriver(made))
        self.driver: MemoryDriver = self.bench.driver  # type: ignore[assignment]
        self.laws = Laws(self.driver, self.prices)
        self.quotes: list[Quoted] = []
        self.holds: list[Held] = []
        self.bought: list[Bought] = []
        self.redeemed: list[tuple[str, str]] = []
        self.set_rate(micros, micros * 11 // 10, begins)
        for member in set(MEMBERS) if gift else ():
            self.post(earning(gift, member=member))

    @property
    def now(self) -> datetime:
        return self.bench.now

    def step(self, kind: int, which: int, much: int) -> None:
        """Do one thing, and hold the books to the laws."""
        move: Callable[[int, int], None] = getattr(self, STEPS[kind % len(STEPS)])
        move(which, much)
        self.laws.check()

    def post(self, command: Command, *refusals: str) -> dict[str, Any] | None:
        """The answer, or None where one of these refusals came; any other is a bug."""
        (answer,) = self.bench.post(command)
        if answer.code is None:
            return answer.body
        assert answer.code in refusals, (answer.code, answer.details, command)
        return None

    def refused(self, command: Command, code: str) -> None:
        (answer,) = self.bench.post(command)
        assert answer.code == code, (answer, code)

    def name(self, prefix: str) -> str:
        return f"{prefix}-{next(self.numbers)}"

    # --- rates and time --------------------------------------------------------------------------

    def set_rate(self, bid: int, ask: int, valid_from: datetime) -> None:
        """Put another version of the rate among the others, if it may stand there."""
        version = len(self.prices) + 1
        each = [Decimal(micros).scaleb(-8) for micros in (bid, ask, 200_000, 4_000_000)]
        new = RateVersion(version, valid_from, self.now, each[0], each[1], each[2], each[3], Decimal("0.4"))
        try:
            require_fitting(self.rates, new)
        except LedgerError:
            return
        self.prices[version] = (bid, ask)
        self.rates = sorted([*self.rates, new], key=lambda rate: (rate.valid_from, rate.version))
        rules = replace(self.driver.program.rules, rates=tuple(self.rates))
        self.driver.program = replace(self.driver.program, rules=rules)

    def version(self) -> int:
        """Of the versions that have begun the one that is in force."""
        return max(
            (r for r in self.rates if r.valid_from <= self.now), key=lambda r: (r.valid_from, r.version)
        ).version

    def move_rate(self, which: int, much: int) -> None:
        bid, ask = self.prices[self.version()]
        percent = 55 + much % 90
        later = timedelta(minutes=5 * (which % 3))
        self.set_rate(bid * percent // 100, max(ask, bid * percent // 100), self.now + later)

    def wait(self, which: int, much: int) -> None:
        self.bench.now += WAITS[which % len(WAITS)]

    def sweep(self, which: int, much: int) -> None:
        self.post(expire(MEMBERS[which % 4], until=self.now))

    # --- points without money --------------------------------------------------------------------

    def gift(self, which: int, much: int) -> None:
        ends = self.now + timedelta(hours=20) if which % 3 == 0 else None
        self.post(earning(1 + much % 300, member=MEMBERS[much % 4], expires_at=ends))

    def redeem(self, which: int, much: int) -> None:
        """Some of what there is, or all of it."""
        member = MEMBERS[which % 4]
        has = self.driver.holders[holder_id(1, member)].standing.available
        points = has if which % 3 else much % 120
        if body := self.post(Redeem(member, max(points, 1), self.name("r")), "insufficient_points"):
            self.redeemed.append((body["redemption_id"], body["entry_id"]))
            self.nothing_held_is_spent(member, body)

    def nothing_held_is_spent(self, member: str, body: dict[str, Any]) -> None:
        available = body["balance"]["points"]["available"]
        self.refused(Redeem(member, available + 1, self.name("r")), "insufficient_points")

    def refund(self, which: int, much: int) -> None:
        if self.redeemed:
            redemption, _ = self.redeemed[which % len(self.redeemed)]
            refusals = ("refund_exceeds_redemption", "entry_already_reversed")
            self.post(Refund(redemption, 1 + much % 60, self.name("f")), *refusals)

    def reverse(self, which: int, much: int) -> None:
        entries = [entry for _, entry in self.redeemed] + [
            bought.answer["entry_id"] for bought in self.bought
        ]
        if not entries:
            return
        entry = entries[which % len(entries)]
        if self.post(Reverse(entry, "a mistake"), "entry_already_reversed") is not None:
            for bought in self.bought:
                if bought.answer["entry_id"] == entry:
                    bought.is_reversed = True
                    self.check_all_is_back(bought)

    # --- quotes and holds ------------------------------------------------------------------------

    def quote(self, which: int, much: int) -> Quoted | None:
        member, price = MEMBERS[which % 4], 1 + much % 900
        wanted = 5 * (1 + much % 15) if which % 3 == 0 else None
        refusals = ["points_not_offered", "insufficient_points"]
        good = sum(self.fault(q) is None and q.member == member for q in self.quotes)
        body = self.post(
            MakeQuote(member, price, "CNY", wanted), *refusals, *["too_many_quotes"] * (good >= 5)
        )
        if body is None:
            return None
        assert good < 5
        self.check_offer(body, price)
        until = datetime.fromisoformat(body["expires_at"])
        quoted = Quoted(body, member, body["rate_version"], until)
        assert body["rate_version"] == self.version() and self.now < until <= self.now + timedelta(minutes=10)
        self.quotes.append(quoted)
        return quoted

    def check_offer(self, body: dict[str, Any], price: int) -> None:
        """Value and cash are the price, and the value is what the points are worth, floored."""
        bid, _ = self.prices[body["rate_version"]]
        for offer in (body, *body["options"]):
            value, cash = offer["points_value"]["amount"], offer["cash"]["amount"]
            assert value + cash == price and cash >= 0
            assert value == offer["points"] * bid // MICRO > 0

    def fault(self, quoted: Quoted) -> str | None:
        """Why a quote cannot be used, if it cannot."""
        if quoted.is_used:
            return "quote_used"
        if self.now >= quoted.expires_at or quoted.version != self.version():
            return "quote_expired"
        return None

    def use(self, quoted: Quoted, command: Command) -> dict[str, Any] | None:
        """What uses a quote: refused where the quote is no good, and only there or where points are missing."""
        if fault := self.fault(quoted):
            self.refused(command, fault)
            return None
        body = self.post(command, "insufficient_points")
        quoted.is_used = body is not None
        return body

    def hold(self, which: int, much: int) -> None:
        member, seconds = MEMBERS[which % 4], (300, 900, 200_000)[which % 3]
        command = PlaceHold(member, 1 + much % 200, None, self.name("h"), seconds)
        if body := self.post(command, "insufficient_points"):
            self._note_hold(body)
            self.nothing_held_is_spent(member, body)

    def hold_quote(self, which: int, much: int) -> None:
        quoted = self.some_quote(which, much)
        if quoted is None:
            return
        seconds = (300, 900, 200_000)[much % 3]
        command = PlaceHold(quoted.member, None, quoted.answer["quote_id"], self.name("h"), seconds)
        if body := self.use(quoted, command):
            quoted.hold = self._note_hold(body)

    def _note_hold(self, body: dict[str, Any]) -> Held:
        held = Held(body["hold_id"], body["points"], datetime.fromisoformat(body["expires_at"]))
        self.holds.append(held)
        return held

    def some_quote(self, which: int, much: int) -> Quoted | None:
        """A new one, or one of before that was not used, or any."""
        waiting = [quoted for quoted in self.quotes if not quoted.is_used]
        before = (waiting if which % 4 else None) or self.quotes
        if much % 3 and before:
            return before[-1 - which % len(before)]
        return self.quote(which, much)

    def capture(self, which: int, much: int) -> None:
        if not self.holds:
            return
        held = self.holds[-1 - which % len(self.holds)]
        points = None if much % 2 else 1 + much % held.points
        body = self.close(held, CaptureHold(held.hold_id, points))
        if body is not None:
            assert body["points"] + body["released"] == held.points
            self.redeemed.append((body["redemption_id"], body["entry_id"]))

    def release(self, which: int, much: int) -> None:
        if self.holds:
            held = self.holds[-1 - which % len(self.holds)]
            self.close(held, ReleaseHold(held.hold_id))

    def close(self, held: Held, command: Command) -> dict[str, Any] | None:
        if not held.is_open(self.now):
            self.refused(command, "hold_not_open")
            return None
        body = self.post(command)
        held.is_closed = True
        return body

    def redeem_quote(self, which: int, much: int) -> None:
        if quoted := self.some_quote(which, much):
            command = Redeem(quoted.member, None, self.name("r"), quote_id=quoted.answer["quote_id"])
            if body := self.use(quoted, command):
                self.redeemed.append((body["redemption_id"], body["entry_id"]))

    # --- purchases and returns -------------------------------------------------------------------

    def buy(self, which: int, much: int) -> None:
        self._buy(MEMBERS[which % 4], lines_of(100 + much % 30_000, which), None)

    def quote_and_pay(self, which: int, much: int) -> None:
        if quoted := self.quote(which, much):
            self._pay(quoted, which)

    def pay(self, which: int, much: int) -> None:
        if quoted := self.some_quote(which, much):
            self._pay(quoted, which)

    def _pay(self, quoted: Quoted, which: int) -> None:
        self._buy(quoted.member, lines_of(quoted.answer["reference_price"]["amount"], which), quoted)

    def _buy(self, member: str, lines: tuple[Line, ...], quoted: Quoted | None) -> None:
        part = PointsPart(quoted.answer["quote_id"]) if quoted else None
        command = Purchase(self.name("p"), member, self.now, "CNY", lines, points_part=part)
        if quoted is None:
            body = self.post(command)
        elif quoted.hold is not None and quoted.hold.is_open(self.now):
            # The hold keeps what the quote promised.
            body = self.post(command)
            quoted.hold.is_closed = True
        else:
            body = self.use(quoted, command)
        if body is None:
            return
        amounts = {line.line_id: line.amount for line in lines}
        unpaid: dict[str, Any] = {"points": 0, "cash": {"amount": sum(amounts.values())}}
        paid = body["paid"] if quoted else unpaid
        if quoted is not None:
            told = ("points", "points_value", "cash", "rate", "rate_version", "quote_id")
            assert {name: paid[name] for name in told} == {name: quoted.answer[name] for name in told}
        self.bought.append(Bought(body, amounts, paid["cash"]["amount"], paid["points"]))

    def pay_offline(self, which: int, much: int) -> None:
        """What a till took at the rate in force, whatever the member had."""
        version, points = self.version(), 4 + much % 200
        value = points * self.prices[version][0] // MICRO
        lines = lines_of(value + much % 300, which)
        part = PointsPart(offline=OfflinePayment("till-1", points, version))
        command = Purchase(self.name("p"), MEMBERS[which % 4], self.now, "CNY", lines, points_part=part)
        if body := self.post(command, *["points_not_offered"] * (value == 0)):
            amounts = {line.line_id: line.amount for line in lines}
            paid = body["paid"]
            assert (paid["points_value"]["amount"], paid["points"]) == (value, points)
            self.bought.append(Bought(body, amounts, paid["cash"]["amount"], points))

    def give_back(self, which: int, much: int) -> None:
        """Of one line all that is left, a part of it, or one fen; now and then of all lines."""
        if not self.bought:
            return
        bought = self.bought[-1 - which % len(self.bought)]
        lines = list(bought.lines) if much % 4 == 0 else [str(1 + much % len(bought.lines))]
        left = {line: bought.lines[line] - bought.back.get(line, 0) for line in lines}
        parts = {line: (some, some // 2, some // 3, min(some, 1))[which % 4] for line, some in left.items()}
        self.take_back(bought, parts, "points_already_spent", "entry_already_reversed")

    def take_back(self, bought: Bought, parts: dict[str, int], *refusals: str) -> None:
        lines = tuple(ReturnedLine(line, 0, amount) for line, amount in parts.items())
        body = self.post(Return(bought.answer["purchase_id"], self.name("t"), self.now, lines), *refusals)
        if body is None:
            return
        for line, amount in parts.items():
            bought.back[line] = bought.back.get(line, 0) + amount
        got, deducted = bought.got, body.get("deducted")
        got["points"] += body["points_refunded"]
        got["cash"] += body["cash_refund"]["amount"] + (deducted["amount"]["amount"] if deducted else 0)
        got["earned"] += body["points_clawed_back"]
        got["growth"] += body["growth_clawed_back"]
        assert got["points"] <= bought.points and got["cash"] <= bought.cash
        if bought.back == bought.lines:
            self.check_all_is_back(bought)
            assert (got["points"], got["cash"]) == (bought.points, bought.cash)
            assert got["growth"] == bought.answer["growth"]

    def check_all_is_back(self, bought: Bought) -> None:
        if bought.points:
            self.laws.check()
            self.laws.check_all_is_back(bought.entry_id)

    def close_down(self, steps: Sequence[Step]) -> None:
        """Everything bought comes back, in pieces and in the order that the steps say; then the books are read."""
        terms = json.loads(self.driver.program.terms)
        self.driver.change_terms(terms | {"returns": terms["returns"] | {"shortfall": "debt"}}, self.now)
        for step in steps:
            self.give_back(*step[1:])
        for bought in self.bought:
            if not bought.is_reversed:
                left = {line: amount - bought.back.get(line, 0) for line, amount in bought.lines.items()}
                self.take_back(bought, left)
                self.check_earned_is_back(bought)
        self.laws.check()
        self.laws.check_nobody_gained()
        self.bench.check()

    def check_earned_is_back(self, bought: Bought) -> None:
        """All that was earned, but for what the clock has taken."""
        earned = bought.answer["points"]
        ends = [lot["expires_at"] for lot in bought.answer["lots"] if lot["unit"] == "POINT"]
        assert bought.got["earned"] <= earned
        if not any(end and datetime.fromisoformat(end) <= self.now for end in ends):
            assert bought.got["earned"] == earned


def lines_of(price: int, which: int) -> tuple[Line, ...]:
    """The price in up to four lines, of which some may cost nothing."""
    cuts = sorted([0, *(price * share % (price + 1) for share in (5, 11, 17)[: which % 4]), price])
    return tuple(Line(str(n), 1, high - low) for n, (low, high) in enumerate(pairwise(cuts), 1))
