"""The replay: baskets and what follows them, through ``journal.post`` in order of time, on a test clock.

A batch is what happened on one local day, or 1,000 commands of it. The clock moves to the last of them, and
to midnight when the day is over; when a month is over, the points that end with it are swept.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final, NamedTuple

from ledger.accounts.program import Program
from ledger.accounts.programs import set_test_clock
from ledger.clock import start_of_day, zone
from ledger.db import Database
from ledger.demo.baskets import Basket
from ledger.demo.script import Refunded, sequel_of
from ledger.expiry.sweep import sweep
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Command, Source
from ledger.redemption.commands import Redeem, Refund
from ledger.rules.commands import Purchase
from ledger.rules.returns import Return, ReturnedLine

BATCH_COMMANDS: Final = 1_000

LANES: Final = 2
"""Batches are posted this many at a time, each with households of its own: while the database works for one,
another is decided. What is posted does not depend on it."""

ONE_DAY: Final = timedelta(days=1)


class Step(NamedTuple):
    """Something that a household does."""

    at: datetime
    household_id: int
    name: str
    """Its idempotency key."""
    command: Command
    refunded: Refunded | None = None
    """What becomes of the reward that it asks for, once that is given."""


@dataclass(slots=True)
class Played:
    """What has been played so far, counted at the till and not in the books."""

    baskets: int = 0
    lines: int = 0
    cents: int = 0
    commands: int = 0
    expired_lots: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


class Replay:
    """One replay for one program, which is a test program of nobody else's."""

    def __init__(
        self, database: Database, program: Program, seed: int, progress: Callable[[Played], object]
    ) -> None:
        self.database = database
        self.program = program
        self.seed = seed
        self.progress = progress
        self.played = Played()
        self._agenda: dict[date, list[Step]] = defaultdict(list)
        """What is to happen on later days."""

    def run(self, baskets: Iterable[Basket]) -> Played:
        """Play ``baskets``, which come in order of time, up to the end of the last one's day."""
        today: date | None = None
        with ThreadPoolExecutor(LANES) as lanes:
            for day, group in groupby(baskets, lambda basket: basket.bought_at.date()):
                while today is not None and (today := today + ONE_DAY) < day:
                    self._play_day(today, [], lanes)
                today = day
                self._play_day(today, list(group), lanes)
        return self.played

    def _play_day(self, today: date, baskets: Sequence[Basket], lanes: ThreadPoolExecutor) -> None:
        steps = self._agenda.pop(today, []) + [step for basket in baskets for step in self._steps(basket)]
        # Times that the spring change of the clocks leaves out move an hour on, past others.
        steps.sort(key=lambda step: step.at)
        for start in range(0, len(steps), BATCH_COMMANDS):
            self._play(steps[start : start + BATCH_COMMANDS], lanes)
        self.played.baskets += len(baskets)
        self.played.lines += sum(len(basket.lines) for basket in baskets)
        self.played.cents += sum(line.amount for basket in baskets for line in basket.lines)
        if steps or _ends_month(today):
            self._end_day(today)
        self.progress(self.played)

    def _play(self, steps: Sequence[Step], lanes: ThreadPoolExecutor) -> None:
        now = steps[-1].at
        self._set_clock(now)
        by_lane = [[step for step in steps if step.household_id % LANES == lane] for lane in range(LANES)]
        for lane, outcomes in zip(by_lane, lanes.map(partial(self._post, now=now), by_lane), strict=True):
            for step, outcome in zip(lane, outcomes, strict=True):
                self._note(step, outcome, now)

    def _post(self, steps: Sequence[Step], now: datetime) -> list[Outcome]:
        requests = [Request(step.command, step.name, fingerprint(step.command), "demo") for step in steps]
        return self.database.run(lambda connection: post(connection, self.program, requests, now=now))

    def _note(self, step: Step, outcome: Outcome, now: datetime) -> None:
        self.played.commands += 1
        if outcome.error is not None:
            self.played.refusals[outcome.error.code] += 1
        elif step.refunded is not None:
            assert outcome.answer is not None
            self._plan(step, Refund(outcome.answer["redemption_id"], step.refunded.points, step.name))

    def _plan(self, step: Step, refund: Refund) -> None:
        assert step.refunded is not None
        wall = step.at.astimezone(zone(self.program.timezone)).replace(tzinfo=None) + step.refunded.after
        self._agenda[wall.date()].append(
            Step(self._instant(wall), step.household_id, f"refund-{step.name}", refund)
        )

    def _steps(self, basket: Basket) -> Iterator[Step]:
        """The purchase, and the reward asked for with it; a return is noted for its day."""
        at, household, name = self._instant(basket.bought_at), basket.household_id, f"b-{basket.basket_id}"
        source = Source(channel="pos", store=f"store-{basket.store_id}")
        sequel, member = sequel_of(self.seed, basket), f"hh-{household}"
        purchase = Purchase(name, member, at, self.program.currency, basket.lines, source)
        yield Step(at, household, f"purchase-{name}", purchase)
        if sequel.reward:
            redeem = Redeem(member, sequel.reward.points, name, source)
            yield Step(at, household, f"reward-{name}", redeem, sequel.reward.refunded)
        if sequel.returned:
            wall, line = basket.bought_at + sequel.returned.after, sequel.returned.line
            returned = Return(
                name,
                name,
                self._instant(wall),
                (ReturnedLine(line.line_id, line.quantity, line.amount),),
                source,
            )
            self._agenda[wall.date()].append(
                Step(returned.occurred_at, household, f"return-{name}", returned)
            )

    def _end_day(self, today: date) -> None:
        midnight = start_of_day(today + ONE_DAY, self.program.timezone)
        self._set_clock(midnight)
        if _ends_month(today):
            self.played.expired_lots += sweep(self.database, self.program, midnight, now=midnight).lots

    def _set_clock(self, now: datetime) -> None:
        self.database.run(lambda connection: set_test_clock(connection, self.program, now))

    def _instant(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=zone(self.program.timezone)).astimezone(UTC)


def _ends_month(day: date) -> bool:
    return (day + ONE_DAY).day == 1


def fingerprint(command: Any) -> bytes:
    """What tells a command from another under the same idempotency key."""
    return blake2b(repr(command).encode(), digest_size=16).digest()
