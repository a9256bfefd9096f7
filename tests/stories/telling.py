"""Stories: lines that a person can check, carried out one by one.

A line is a time, where the program is, and a sentence. Where the time is left out it is that of the line
above. An ``until`` day is a last day: the points are gone at its end.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from ledger.accounts.members import put_member
from ledger.accounts.models import tier_events
from ledger.accounts.queries import holder_uuid, read_balance
from ledger.expiry.commands import JudgeTier
from ledger.journal import Request
from ledger.redemption.reversals import Reverse
from ledger.rules.activities import Activity
from ledger.rules.commands import Line
from ledger.rules.returns import Return, ReturnedLine
from tests.builders import Bench, earning, expire, fresh, purchase, redeem, refund, transfer
from tests.model.postgres import PostgresDriver

_LINE = re.compile(r"\s*(?:(?P<when>\d{4}-\d\d-\d\d(?: [\d:.]+)?)\s+)?(?P<says>\S.*)")
_FACT = re.compile(r"(?:(pending|owes|growth|lapsed) )?(\d+)")


def tell(bench: Bench, story: str, timezone: str = "Asia/Shanghai") -> None:
    """Carry the story out. It ends with the books balanced, however it went."""
    teller = Teller(bench, ZoneInfo(timezone))
    for line in story.strip("\n").splitlines():
        if line.strip():
            teller.hear(line)
    bench.check()


class Teller:
    """Understands sentences, and remembers what purchases, redemptions and transfers are called."""

    def __init__(self, bench: Bench, zone: ZoneInfo) -> None:
        self.bench = bench
        self.zone = zone
        self.made: dict[str, dict[str, Any]] = {}
        self.paid: dict[str, int] = {}

    def hear(self, line: str) -> None:
        parsed = _LINE.fullmatch(line)
        assert parsed, f"no sentence: {line}"
        if parsed["when"]:
            self.bench.now = self.moment(parsed["when"])
        for pattern, act in SENTENCES.items():
            if found := re.fullmatch(pattern, parsed["says"].strip()):
                act(self, *found.groups())
                return
        raise AssertionError(f"nobody understands: {parsed['says']}")

    def moment(self, text: str) -> datetime:
        return datetime.fromisoformat(text if " " in text else f"{text} 12:00").replace(tzinfo=self.zone)

    def end_of(self, day: str) -> datetime:
        following = datetime.fromisoformat(day).date() + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=self.zone)

    def earns(self, member: str, points: str, until: str | None) -> None:
        ends = self.end_of(until) if until else None
        self.bench.must(earning(int(points), member=member, expires_at=ends))

    def buys(self, member: str, name: str, price: str, points: str | None, day: str | None = None) -> None:
        self.paid[name] = _fen(price)
        at = self.moment(day) if day else self.bench.now
        bought = purchase(member=member, purchase_id=name, at=at, lines=[Line("1", 1, _fen(price))])
        self.made[name] = self.bench.must(bought)
        assert points is None or self.made[name]["points"] == int(points)

    def does(self, member: str, activity: str, points: str | None) -> None:
        answer = self.bench.must(Activity(fresh("a"), member, activity, self.bench.now))
        assert answer["points"] == int(points or 0), answer

    def is_brought(self, member: str, referrer: str) -> None:
        self.bench.must(self.referral(member, referrer))

    def is_not_brought(self, member: str, referrer: str, code: str) -> None:
        assert self.bench.refused(self.referral(member, referrer)) == code

    def referral(self, member: str, referrer: str) -> Activity:
        return Activity(fresh("a"), member, "referral", self.bench.now, {"referrer": referrer})

    def enrols(self, member: str, month: str | None) -> None:
        driver = self.bench.driver
        assert isinstance(driver, PostgresDriver)
        attributes = {"birth_month": int(month)} if month else {}
        driver.database.run(
            lambda c: put_member(c, driver.program, member, now=self.bench.now, attributes=attributes)
        )

    def redeems(self, member: str, points: str, name: str | None) -> None:
        self.made[name or ""] = self.bench.must(redeem(int(points), member=member))

    def cannot_redeem(self, member: str, points: str, code: str) -> None:
        assert self.bench.refused(redeem(int(points), member=member)) == code

    def refunds(self, points: str, name: str, lapsed: str | None) -> None:
        answer = self.bench.must(refund(self.made[name]["redemption_id"], int(points)))
        assert sum(draw["points"] for draw in answer["lapsed"]) == int(lapsed or 0)

    def returns(self, price: str | None, name: str, points: str) -> None:
        amount = self.paid[name] if price is None else _fen(price)
        lines = (ReturnedLine("1", 0, amount),)
        answer = self.bench.must(Return(name, fresh("t"), self.bench.now, lines))
        assert answer["points_clawed_back"] == int(points)

    def gives(self, sender: str, points: str, recipient: str, name: str | None) -> None:
        self.made[name or ""] = self.bench.must(transfer(int(points), sender=sender, recipient=recipient))

    def reversed(self, name: str) -> None:
        self.bench.must(Reverse(self.made[name]["entry_id"], "a mistake"))

    def sweep(self) -> None:
        now = self.bench.now
        for member in sorted(self.bench.books().holders):
            # As the job does: without keys.
            answers = self.bench.send(Request(expire(member, until=now)), Request(JudgeTier(member, now)))
            assert not [answer.code for answer in answers if answer.code]

    def has_tier(self, member: str, code: str) -> None:
        """By the clock, whether or not a sweep has settled it."""
        driver = self.bench.driver
        assert isinstance(driver, PostgresDriver)
        with driver.database.read() as connection:
            balance = read_balance(connection, driver.program, member, self.bench.now)
        assert balance["tier"]["code"] == code, f"{member}: {balance['tier']}"

    def went(self, member: str, ways: str) -> None:
        """All that was recorded of the tier, in the order of recording."""
        driver = self.bench.driver
        assert isinstance(driver, PostgresDriver)
        query = select(tier_events).where(tier_events.c.holder_id == holder_uuid(driver.program, member))
        with driver.database.read() as connection:
            rows = connection.execute(query.order_by(tier_events.c.ordinal)).all()
        assert ", ".join(f"{row.reason} {row.to_tier}" for row in rows) == ways

    def has(self, member: str, facts: str) -> None:
        told = {name or "available": int(amount) for name, amount in _FACT.findall(facts)}
        assert self.facts(member) | told == self.facts(member), f"{member}: {self.facts(member)}"

    def facts(self, member: str) -> dict[str, int]:
        now, lots = self.bench.now, self.bench.lots(member)
        unswept = sum(lot.remaining for lot in lots if lot.expires_at is not None and lot.expires_at <= now)
        return {
            "available": self.bench.available(member),
            "pending": self.bench.pending(member),
            "owes": self.bench.debt(member),
            "growth": self.bench.books().holders[member].growth,
            "lapsed": unswept + sum(lot.expired for lot in lots),
        }


SENTENCES: dict[str, Callable[..., None]] = {
    r"(\S+) earns (\d+)(?: until (\S+))?": Teller.earns,
    r"(\S+) buys (\S+) for ([\d.]+)(?: and earns (\d+))?": Teller.buys,
    r"(\S+) bought (\S+) for ([\d.]+)(?: and earns (\d+))? on (\S+)": Teller.buys,
    r"(\S+) does (\w+)(?: and earns (\d+))?": Teller.does,
    r"(\S+) is brought by (\S+)": Teller.is_brought,
    r"(\S+) cannot be brought by (\S+): (\w+)": Teller.is_not_brought,
    r"(\S+) enrols(?:, born in month (\d+))?": Teller.enrols,
    r"(\S+) redeems (\d+)(?: as (\S+))?": Teller.redeems,
    r"(\S+) cannot redeem (\d+): (\w+)": Teller.cannot_redeem,
    r"(\d+) of (\S+) come back(?:, (\d+) of them lapsed)?": Teller.refunds,
    r"(?:([\d.]+) of )?(\S+) is returned, taking (\d+)": Teller.returns,
    r"(\S+) gives (\d+) to (\S+?)(?: as (\S+))?": Teller.gives,
    r"(\S+) is reversed": Teller.reversed,
    r"the sweep runs": Teller.sweep,
    r"(\S+) has tier (\S+)": Teller.has_tier,
    r"(\S+) went: (.+)": Teller.went,
    r"(\S+) has (.+)": Teller.has,
}


def _fen(price: str) -> int:
    return int(Decimal(price) * 100)
