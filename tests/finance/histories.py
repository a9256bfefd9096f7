"""Histories with everything in them: late events, lapses, debts, graces, transfers, merges, budgets, holds and cash."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import approve
from ledger.accounts.programs import find_program
from ledger.funds.commands import Authority, GrantFund, WithdrawFund
from ledger.fx.quotes import MakeQuote
from ledger.fx.register import APPROVALS, propose_rate
from ledger.ids import show
from ledger.journal.commands import Command
from ledger.merging.commands import Merge, Unmerge
from ledger.redemption.commands import Redeem, RedeemOffline, Refund, Transfer
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.offline import Offline
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.paying import OfflinePayment, PointsPart
from ledger.rules.returns import Return, ReturnedLine
from tests.ladders import tiers
from tests.till import Till

MEMBERS = ("m-1", "m-2", "m-3", "m-4")
FUNDS = ("care", "store:s-1")
BY = Authority("apr_1", "maker", "checker")

TERMS: tuple[dict[str, Any], ...] = (
    {
        "points_expiry": {"kind": "fixed_days", "days": 20},
        "growth_expiry": {"kind": "fixed_days", "days": 30},
        "tiers": tiers(
            {"member": 0, "silver": 80, "gold": 200}, period={"kind": "fixed_days", "days": 15}, grace_days=3
        ),
    },
    {
        "points_expiry": {"kind": "rolling", "months": 1},
        "pending_days": 3,
        "tiers": tiers({"member": 0, "plus": 60, "gold": 250}, period={"kind": "never"}),
    },
    {
        "points_expiry": {"kind": "fixed_days", "days": 8},
        "lapsed_refund": {"policy": "grace", "grace_days": 5},
    },
    {"points": {"per": 3, "amount": 700}, "debt_limit": 50},
    {
        "returns": {"tender": "points_first", "shortfall": "deduct_cash"},
        "offline": {"credit": 90},
        "points_expiry": {"kind": "fixed_days", "days": 9},
    },
    {
        "returns": {"tender": "cash_first", "shortfall": "deduct_cash"},
        "lapsed_refund": {"policy": "grace", "grace_days": 2},
        "points_expiry": {"kind": "fixed_days", "days": 3},
        "offline": {"credit": 40},
        "pending_days": 1,
    },
)

RATES = ("0.0100", "0.0095", "0.0097", "0.0109", "0.009503")


@dataclass
class History:
    """Drives a till at random, by a seed; what is refused is refused, what is posted is remembered."""

    till: Till
    random: Random
    purchases: list[dict[str, Any]] = field(default_factory=list)
    redemptions: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)

    def run(self, steps: int) -> None:
        """That many steps; the clock moves on between them."""
        for _ in range(steps):
            self.till.at(self.till.now + timedelta(hours=self.random.randrange(1, 40)))
            chance = self.random.random()
            if chance < 0.05:
                self.till.sweep()
            elif chance < 0.09:
                self.till.change_terms(**self.random.choice(TERMS))
            elif chance < 0.11:
                change_rate(self.till, self.random.choice(RATES))
            elif chance < 0.25:
                self._quote()
            elif chance < 0.29:
                self._join()
            else:
                self._post([self._command() for _ in range(self.random.choice((1, 1, 1, 4)))])

    def _post(self, commands: list[Command]) -> None:
        for outcome in self.till.try_post(*commands):
            answer = outcome.answer
            if answer is None or "entry_id" not in answer:
                continue
            self.entries.append(answer["entry_id"])
            if answer["kind"] == "earn":
                self.purchases.append(answer)
            elif answer["kind"] in ("redeem", "capture"):
                self.redemptions.append(answer)
            elif answer["kind"] == "hold":
                self.holds.append(answer)

    def _join(self) -> None:
        """Merge two members, or part them."""
        survivor, duplicate = self.random.sample(MEMBERS, 2)
        self.till.try_post(self.random.choice((Merge, Merge, Unmerge))(survivor, duplicate, BY))

    def _quote(self) -> None:
        """Ask for a quote, and use it in one of the ways there are, or not at all."""
        member, price = self._member(), self.random.randrange(1, 90) * 10
        points = self.random.choice((None, None, self.random.randrange(1, 60)))
        (outcome,) = self.till.try_post(MakeQuote(member, price, "CNY", points))
        if outcome.answer is None:
            return
        quote = outcome.answer["quote_id"]
        self._change_meanwhile()
        if self.random.random() < 0.5:
            seconds = self.random.choice((900, 90_000))
            self._post([PlaceHold(member, None, quote, self._name("h"), seconds)])
            self._change_meanwhile()
        self.random.choice(
            (
                lambda: self._post([Redeem(member, None, self._name("x"), quote_id=quote)]),
                lambda: self._post([self._buy_with(member, price, PointsPart(quote))]),
                lambda: self._post([self._buy_with(member, price, PointsPart(quote))]),
                lambda: None,
            )
        )()

    def _change_meanwhile(self) -> None:
        self.till.at(self.till.now + timedelta(seconds=self.random.randrange(400)))
        if self.random.random() < 0.1:
            change_rate(self.till, self.random.choice(RATES))

    def _buy_with(self, member: str, price: int, part: PointsPart) -> Command:
        first = self.random.randrange(1, price)
        late = timedelta(hours=self.random.choice((0, 0, 5)))
        lines = (Line("0", 4, first), Line("1", 1, price - first))
        return Purchase(self._name("p"), member, self.till.now - late, "CNY", lines, points_part=part)

    def _command(self) -> Command:
        makers: list[Callable[[], Command]] = [self._buy, self._buy, self._award, self._redeem, self._redeem]
        makers += [self._transfer, self._fund, self._hold, self._take_offline]
        if self.holds:
            makers += [self._close, self._close]
        if self.purchases:
            makers += [self._give_back, self._give_back]
        if self.redemptions:
            makers += [self._refund, self._refund]
        if self.entries:
            makers.append(lambda: Reverse(self.random.choice(self.entries), "mistake"))
        return self.random.choice(makers)()

    def _buy(self) -> Command:
        late = timedelta(hours=self.random.choice((0, 0, 1, 30, 700)))
        lines = tuple(
            Line(str(n), 3, self.random.randrange(1, 9_999)) for n in range(self.random.randrange(1, 4))
        )
        return Purchase(self._name("p"), self._member(), self.till.now - late, "CNY", lines)

    def _award(self) -> Command:
        available_at = self.till.now + timedelta(hours=self.random.choice((-1, 0, 100)))
        expires_at = self.random.choice((None, self.till.now + timedelta(hours=300)))
        points = self.random.randrange(1, 90)
        fund = self.random.choice((None, *FUNDS))
        return Earning(self._member(), points, "gift", self._name("a"), available_at, expires_at, fund)

    def _fund(self) -> Command:
        change = self.random.choice((GrantFund, GrantFund, WithdrawFund))
        return change(self.random.choice(FUNDS), self.random.randrange(1, 200), self._name("g"), "a plan", BY)

    def _redeem(self) -> Command:
        return Redeem(self._member(), self.random.randrange(1, 80), self._name("x"))

    def _hold(self) -> Command:
        seconds = self.random.choice((900, 90_000, 900_000))
        return PlaceHold(self._member(), self.random.randrange(1, 60), None, self._name("h"), seconds)

    def _close(self) -> Command:
        hold = self.random.choice(self.holds[-3:])["hold_id"]
        points = self.random.choice((None, self.random.randrange(1, 30)))
        return self.random.choice((CaptureHold(hold, points), CaptureHold(hold, points), ReleaseHold(hold)))

    def _take_offline(self) -> Command:
        member, points = self._member(), self.random.randrange(1, 60)
        if self.random.random() < 0.5:
            offline = Offline("till-1", self.till.now - timedelta(hours=1))
            return RedeemOffline(member, points, self._name("x"), offline)
        version = self.till.rows("SELECT max(version) FROM rates")[0][0]
        return self._buy_with(member, 200, PointsPart(offline=OfflinePayment("till-1", points, version)))

    def _transfer(self) -> Command:
        sender, recipient = self.random.sample(MEMBERS, 2)
        return Transfer(sender, recipient, self.random.randrange(1, 50), self._name("t"))

    def _give_back(self) -> Command:
        purchase = self.random.choice(self.purchases)
        lines = (ReturnedLine("0", 1, self.random.randrange(1, 4_000)),)
        occurred_at = self.till.now - timedelta(hours=self.random.choice((0, 1, 60)))
        return Return(purchase["purchase_id"], self._name("r"), occurred_at, lines)

    def _refund(self) -> Command:
        redemption = self.random.choice(self.redemptions)
        return Refund(redemption["redemption_id"], self.random.randrange(1, 40), self._name("f"))

    def _member(self) -> str:
        return self.random.choice(MEMBERS)

    def _name(self, kind: str) -> str:
        return f"{kind}-{next(self.till.numbers)}"


def change_rate(till: Till, rate: str) -> None:
    """Let a rate be in force that one key has proposed and another approved."""
    maker, checker = (Principal(key, till.program, "admin", ROLES["admin"]) for key in ("maker", "checker"))

    def work(connection: Connection) -> None:
        wanted = {"rate": Decimal(rate), "ask": Decimal("0.011"), "reason": "another"}
        made = propose_rate(connection, till.program, wanted, by=maker, now=till.now)
        approve(connection, till.program, APPROVALS, show("apr", made.approval_id), by=checker, now=till.now)
        changed = find_program(connection, till.program.name)
        assert changed is not None
        till.program = changed

    till.database.run(work)


def live_through(till: Till, seed: int, steps: int) -> History:
    """A random history on this till."""
    history = History(till, Random(seed))
    history.run(steps)
    return history
