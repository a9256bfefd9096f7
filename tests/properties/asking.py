"""What callers ask for: commands drawn against what the books hold, so that most of them mean something.

Names come from small pools, so that they meet again; amounts lie on and beside the edge of what would do.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ledger.expiry.commands import ExpireLots
from ledger.funds.commands import Authority
from ledger.journal.commands import Command
from ledger.redemption.adjustments import Adjust, Wanted
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.returns import Return, ReturnedLine
from tests.model.facts import Event
from tests.model.reference import Model

MEMBERS = ("m-1", "m-2", "m-3")
STRANGER = "m-9"
NO_ENTRY = "0" * 31 + "e"
MAX = 2**53 - 1


def lifetimes() -> st.SearchStrategy[dict[str, Any]]:
    """Expiry policies, as terms hold them."""
    return st.one_of(
        st.builds(lambda days: {"kind": "fixed_days", "days": days}, st.integers(0, 6)),
        st.builds(lambda months: {"kind": "rolling", "months": months}, st.integers(0, 1)),
        st.builds(
            lambda kind, months: {"kind": kind, "months": months},
            st.sampled_from(["end_of_month", "end_of_quarter", "end_of_year"]),
            st.integers(0, 2),
        ),
        st.just({"kind": "never"}),
    )


def program_terms() -> st.SearchStrategy[dict[str, Any]]:
    """Terms of a program: generous and mean, lenient and strict."""
    rates = st.sampled_from([{"per": 1, "amount": 100}, {"per": 3, "amount": 70}, {"per": 2, "amount": 1}])
    return st.fixed_dictionaries(
        {
            "points": rates,
            "growth": rates,
            "pending_days": st.sampled_from([0, 0, 3]),
            "points_expiry": lifetimes(),
            "growth_expiry": st.sampled_from([{"kind": "never"}, {"kind": "fixed_days", "days": 5}]),
            "lapsed_refund": st.sampled_from([{"policy": "lapse"}, {"policy": "grace", "grace_days": 2}]),
            "debt_limit": st.sampled_from([1_000_000, 1_000_000, 60, 0]),
        }
    )


class Asker:
    """Draws commands against the books as the model has them now."""

    def __init__(
        self,
        data: st.DataObject,
        model: Model,
        now: datetime,
        fresh: Iterator[int],
        *,
        takes_expiry: bool,
        takes_adjustments: bool,
    ) -> None:
        self.draw = data.draw
        self.model = model
        self.now = now
        self.fresh = fresh
        self.takes_expiry = takes_expiry
        self.takes_adjustments = takes_adjustments

    def command(self) -> Command:
        """Any command, mostly one that there is something for."""
        kinds = ["purchase", "earning"]
        if self.model.members and self._mostly():
            kinds += ["redemption", "redemption", "transfer", "expiry"]
            happened = {event.kind for event in self.model.events}
            kinds += ["refund", "refund"] if happened & {"redeem", "capture"} else []
            kinds += ["hold", "hold"] + (["capture", "capture", "release"] if "hold" in happened else [])
            kinds += ["return", "return"] if "earn" in happened else []
            kinds += ["reversal", "adjustment"]
        elif self._seldom():
            kinds = ["redemption", "transfer", "expiry", "refund", "return", "reversal"]
            kinds += ["hold", "capture", "release", "adjustment"]
        make: dict[str, Callable[[], Command]] = {
            "purchase": self.purchase,
            "earning": self.earning,
            "redemption": self.redemption,
            "refund": self.refund,
            "hold": self.hold,
            "capture": self.capture,
            "release": self.release,
            "return": self.give_back,
            "transfer": self.transfer,
            "reversal": self.reversal,
            "expiry": self.expiry,
            "adjustment": self.adjustment,
        }
        if not self.takes_expiry:
            kinds = [kind for kind in kinds if kind != "expiry"]
        if not self.takes_adjustments:
            kinds = [kind for kind in kinds if kind != "adjustment"]
        return make[self.draw(st.sampled_from(kinds))]()

    def debt(self) -> list[Command]:
        """A purchase whose points are all spent before it goes back: mostly a debt."""
        name, member, amount = self._name("purchase", "p"), self._member(), self.draw(st.integers(100, 9_999))
        bought = Purchase(name, member, self.now, "CNY", (Line("1", 1, amount),))
        rate = self.model.terms["points"]
        earned = amount * rate["per"] // rate["amount"]
        spent = Redeem(member, max(1, self._available(member) + earned), self._name("redemption", "r"))
        back = Return(name, self._name("return", "t"), self.now, (ReturnedLine("1", 1, amount),))
        return [bought, spent, back]

    def purchase(self) -> Purchase:
        lines = st.lists(st.tuples(st.integers(1, 3), _money()), min_size=1, max_size=3)
        bought = tuple(
            Line(str(number), quantity, amount)
            for number, (quantity, amount) in enumerate(self.draw(lines), 1)
        )
        currency = "CNY" if self._mostly() else "EUR"
        name = self._name("purchase", "p")
        return Purchase(name, self._member(), self._occurred(), currency, bought)

    def earning(self) -> Earning:
        points = (
            self.draw(st.integers(1, 200)) if self._mostly() else self.draw(st.sampled_from([MAX, MAX - 100]))
        )
        available_at = expires_at = None
        if self._seldom():
            available_at = self.now + timedelta(hours=self.draw(st.sampled_from([3, 60, -5])))
        if self._seldom():
            expires_at = self.now + timedelta(hours=self.draw(st.sampled_from([30, 2, -1])))
        name = self._name("earning", "e")
        return Earning(self._member(), points, "a gift", name, available_at, expires_at)

    def redemption(self) -> Redeem:
        member = self._spender()
        return Redeem(member, self._points(member), self._name("redemption", "r"))

    def refund(self) -> Refund:
        identifier, redemption = self._entry(self.draw(st.sampled_from(["redeem", "redeem", "capture"])))
        drawn = sum(points for _, points in redemption.draws) if redemption else 5
        back = sum(redemption.refunded.values()) if redemption else 0
        return Refund(f"red_{identifier}", self._up_to(drawn - back), self._name("refund", "f"))

    def hold(self) -> PlaceHold:
        member = self._spender()
        seconds = self.draw(st.sampled_from([1, 900, 90_000, 2_592_000]))
        return PlaceHold(member, self._points(member), None, self._name("hold", "h"), seconds)

    def capture(self) -> CaptureHold:
        identifier, made = self._entry("hold")
        points = self._up_to(made.held.points if made and made.held else 5)
        return CaptureHold(f"hld_{identifier}", points if self.draw(st.booleans()) else None)

    def release(self) -> ReleaseHold:
        identifier, _ = self._entry("hold")
        return ReleaseHold(f"hld_{identifier}")

    def give_back(self) -> Return:
        purchases = sorted(name for kind, name in self.model.names if kind == "purchase")
        name = self.draw(st.sampled_from(purchases)) if purchases and self._mostly() else "p-none"
        number = self.model.names.get(("purchase", name))
        bought = self.model.events[number].bought if number is not None else {"1": (1, 500)}
        returned = self.model.events[number].returned if number is not None else {}
        wanted = self.draw(st.lists(st.sampled_from(sorted(bought)), min_size=1, max_size=3, unique=True))
        lines = [self._returned(line, bought[line], returned.get(line, (0, 0))) for line in wanted]
        return Return(name, self._name("return", "t"), self._occurred(back=self._seldom()), tuple(lines))

    def _returned(self, line: str, bought: tuple[int, int], returned: tuple[int, int]) -> ReturnedLine:
        quantity, left = bought[0] - returned[0], bought[1] - returned[1]
        amount = self.draw(st.sampled_from([left, left // 2, left // 3, min(left, 1)]))
        if not self._mostly():
            return ReturnedLine(self.draw(st.sampled_from([line, "9"])), quantity, left + 1)
        return ReturnedLine(line, self.draw(st.integers(0, quantity)), amount)

    def transfer(self) -> Transfer:
        sender = self._spender()
        others = [member for member in MEMBERS if member != sender]
        recipient = self.draw(st.sampled_from(others)) if self._mostly() else self._anybody()
        return Transfer(sender, recipient, self._points(sender), self._name("transfer", "x"))

    def adjustment(self) -> Adjust:
        """Added or taken; now and then without a name of its own."""
        member, number = self._spender(), next(self.fresh)
        points = -self._points(member) if self.draw(st.booleans()) else self.draw(st.integers(1, 200))
        name = self._name("adjustment", "j") if self._mostly() else None
        by = Authority(f"apr_{number}", "maker", "checker")
        return Adjust(f"adj_{number}", Wanted(member, points, "a mistake", name), by)

    def reversal(self) -> Reverse:
        kinds = ["earn", "award", "redeem", "transfer_out", "capture", "hold", "adjust"]
        identifier, _ = self._entry(self.draw(st.sampled_from(kinds)))
        return Reverse(f"ent_{identifier}", "a mistake")

    def expiry(self) -> ExpireLots:
        return ExpireLots(
            self._anybody(), self.now + timedelta(hours=self.draw(st.sampled_from([0, -30, 30])))
        )

    # --- what commands are made of ---------------------------------------------------------------

    def _mostly(self) -> bool:
        return bool(self.draw(st.integers(0, 11)) != 11)

    def _seldom(self) -> bool:
        return bool(self.draw(st.integers(0, 4)) == 4)

    def _member(self) -> str:
        return str(self.draw(st.sampled_from(MEMBERS)))

    def _anybody(self) -> str:
        known = sorted(self.model.members)
        return str(self.draw(st.sampled_from(known))) if known and self._mostly() else STRANGER

    def _spender(self) -> str:
        """Mostly somebody who has something to spend."""
        rich = [name for name in sorted(self.model.members) if self._available(name)]
        return str(self.draw(st.sampled_from(rich))) if rich and self._mostly() else self._anybody()

    def _available(self, name: str) -> int:
        lots = self.model.members[name].lots if name in self.model.members else []
        live = [lot for lot in lots if lot.unit == "POINT" and lot.is_live(self.now)]
        return sum(lot.left for lot in live if lot.available <= self.now)

    def _points(self, name: str) -> int:
        """An amount on or beside what the member can spend."""
        return self._up_to(self._available(name))

    def _up_to(self, amount: int) -> int:
        some = [max(amount, 1), max(amount // 2, 1), max(amount // 3, 1), 1]
        return int(self.draw(st.sampled_from(some if self._mostly() else [amount + 1])))

    def _name(self, kind: str, prefix: str) -> str:
        """Mostly a fresh name of the business, or one that was taken before."""
        taken = sorted(name for of, name in self.model.names if of == kind)
        if taken and not self._mostly():
            return str(self.draw(st.sampled_from(taken)))
        return f"{prefix}-{next(self.fresh)}"

    def _occurred(self, *, back: bool = True) -> datetime:
        minutes = [0, 0, 0, 5, *([-1, -60, -1500, -40_000] if back else [])]
        moment = self.draw(st.sampled_from(minutes)) if self._mostly() else 6
        return self.now + timedelta(minutes=moment)

    def _entry(self, kind: str) -> tuple[str, Event | None]:
        """An entry's id and event, of that kind if there is one; now and then any, or none at all."""
        by_number = {number: identifier for identifier, number in self.model.ids.items()}
        known = sorted(by_number)
        wanted = (
            [number for number in known if self.model.events[number].kind == kind] if self._mostly() else []
        )
        if not known or not self._mostly():
            return NO_ENTRY, None
        number = self.draw(st.sampled_from(wanted or known))
        return by_number[number], self.model.events[number]


def _money() -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 400), st.sampled_from([99, 100, 101, 10_000, 333]))
