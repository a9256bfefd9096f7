"""Programs, commands and benches for the tests: plain functions with defaults.

A test names what it is about and leaves the rest to these defaults. Names of the business (references,
purchase ids) are fresh unless given, so no test meets another's.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ledger.accounts.program import Program
from ledger.expiry.commands import ExpireLots
from ledger.funds.commands import Authority
from ledger.journal import Request
from ledger.journal.commands import Command
from ledger.redemption.adjustments import Adjust, Wanted
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.returns import Return, ReturnedLine
from ledger.rules.terms import DEFAULT_TERMS
from tests.model.driver import Answer, Driver, fingerprint
from tests.model.invariants import check_books
from tests.model.snapshot import LotRow, Snapshot

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
"""Noon in Shanghai, in the middle of a month."""

_numbers = count(1)


def fresh(prefix: str) -> str:
    """A name that nothing else in this process has."""
    return f"{prefix}-{next(_numbers)}"


def terms(**changes: Any) -> dict[str, Any]:
    """The default terms with some changed: one point for each whole yuan."""
    return {**DEFAULT_TERMS, **changes}


def program(timezone: str = "Asia/Shanghai", **changes: Any) -> Program:
    """A program that stands in no database."""
    return Program(1, "test", "CNY", timezone, 1, json.dumps(terms(**changes)))


def moment(text: str) -> datetime:
    """``2026-03-31 23:59:59`` as it is in Shanghai; the time of day may be left out."""
    return datetime.fromisoformat(f"{text}+08:00" if " " in text else f"{text} 00:00+08:00").astimezone(UTC)


def purchase(
    amount: int | None = None,
    *,
    member: str = "m-1",
    purchase_id: str | None = None,
    at: datetime = NOW,
    lines: Sequence[Line] | None = None,
    currency: str = "CNY",
    points_value: int = 0,
) -> Purchase:
    """A purchase of one line over ``amount`` fen, or of the given lines."""
    given = tuple(lines) if lines is not None else (Line("1", 1, 10_000 if amount is None else amount),)
    return Purchase(purchase_id or fresh("p"), member, at, currency, given, points_value=points_value)


def earning(
    points: int = 100,
    *,
    member: str = "m-1",
    reference: str | None = None,
    available_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Earning:
    return Earning(member, points, "a test", reference or fresh("e"), available_at, expires_at)


def redeem(points: int = 10, *, member: str = "m-1", reference: str | None = None) -> Redeem:
    return Redeem(member, points, reference or fresh("r"))


def refund(redemption_id: str, points: int, *, reference: str | None = None) -> Refund:
    return Refund(redemption_id, points, reference or fresh("f"))


def give_back(
    purchase_id: str,
    amount: int,
    *,
    line: str = "1",
    quantity: int = 0,
    return_id: str | None = None,
    at: datetime = NOW,
) -> Return:
    """A return of ``amount`` fen of one line."""
    return Return(purchase_id, return_id or fresh("t"), at, (ReturnedLine(line, quantity, amount),))


def transfer(
    points: int = 10, *, sender: str = "m-1", recipient: str = "m-2", reference: str | None = None
) -> Transfer:
    return Transfer(sender, recipient, points, reference or fresh("x"))


def adjust(points: int, *, member: str = "m-1", reference: str | None = None) -> Adjust:
    """An adjustment as it is posted once it has been approved."""
    number = fresh("n")
    by = Authority(f"apr_{number}", "maker", "checker")
    return Adjust(f"adj_{number}", Wanted(member, points, "a mistake", reference), by)


def reverse(entry_id: str, reason: str = "a mistake") -> Reverse:
    return Reverse(entry_id, reason)


def expire(member: str = "m-1", *, until: datetime = NOW) -> ExpireLots:
    return ExpireLots(member, until)


def request(command: Command, key: str | None = None) -> Request:
    """The command under a key, a fresh one unless given. Jobs have none: see ``Request``."""
    return Request(command, key or fresh("k"), fingerprint(command), "request")


class Bench:
    """A program's books, a clock, and the few moves that tests make with them."""

    def __init__(self, driver: Driver, now: datetime = NOW) -> None:
        self.driver = driver
        self.now = now

    def post(self, *commands: Command, atomic: bool = False, dry_run: bool = False) -> list[Answer]:
        """One batch, each command under a fresh key."""
        return self.send(*map(request, commands), atomic=atomic, dry_run=dry_run)

    def send(self, *requests: Request, atomic: bool = False, dry_run: bool = False) -> list[Answer]:
        return self.driver.post(requests, now=self.now, atomic=atomic, dry_run=dry_run)

    def must(self, command: Command) -> dict[str, Any]:
        """Post one command that succeeds; its answer."""
        (answer,) = self.post(command)
        assert answer.code is None, (answer.code, answer.details)
        assert answer.body is not None
        return answer.body

    def refused(self, command: Command) -> str:
        """Post one command that is refused; the code. Nothing moves."""
        before = self.books()
        (answer,) = self.post(command)
        assert answer.code is not None, answer.body
        # All that a refusal leaves behind is its answer.
        assert self.books()._replace(keys=before.keys) == before
        return answer.code

    def wait(self, **time: int) -> None:
        """Let time pass: ``wait(days=3)``."""
        self.now += timedelta(**time)

    def books(self) -> Snapshot:
        return self.driver.snapshot()

    def lots(self, member: str = "m-1", unit: int = 1) -> list[LotRow]:
        """The lots of a member, oldest first, spent ones included."""
        return [lot for lot in self.books().lots.get(member, []) if lot.unit == unit]

    def available(self, member: str = "m-1") -> int:
        """What the clock lets the member spend now."""
        return sum(
            lot.remaining
            for lot in self.lots(member)
            if lot.available_at <= self.now and (lot.expires_at is None or self.now < lot.expires_at)
        )

    def pending(self, member: str = "m-1") -> int:
        return sum(lot.remaining for lot in self.lots(member) if lot.available_at > self.now)

    def debt(self, member: str = "m-1") -> int:
        return self.books().holders[member].debt

    def check(self) -> None:
        """The books balance."""
        check_books(self.books())
