"""A machine that does to the ledger whatever its callers may do, in any order, and holds it to the model.

After every step the answers, every lot, every entry and every invariant are checked. It knows its driver only
as a ``Driver``: the same machine runs in memory, on PostgreSQL and over HTTP.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.expiry.commands import ExpireLots, LapseHolds
from ledger.journal import Request
from ledger.journal.commands import Command
from tests.model.comparison import Comparison
from tests.model.driver import Answer, Driver, fingerprint
from tests.model.invariants import check_books
from tests.model.reference import FORGOTTEN, Model
from tests.profiles import name_seed, profile
from tests.properties.asking import Asker, program_terms

# The last hours of a month, some weeks before clocks change in most of the zones.
START = datetime(2026, 1, 30, 17, 30, tzinfo=UTC)

# Where midnight does not exist on some nights, where days have 23 and 25 hours, and where neither is so.
ZONES = ("Asia/Shanghai", "Asia/Beirut", "Africa/Cairo", "America/New_York", "Pacific/Chatham")

MakeDriver = Callable[[dict[str, Any], str], Driver]
"""A driver of new, empty books, given terms and a time zone."""


class LedgerMachine(RuleBasedStateMachine):
    """Any commands, in any order and any company."""

    def __init__(self, make_driver: MakeDriver) -> None:
        super().__init__()
        self.make_driver = make_driver
        self.now = START
        self.sent: list[Request] = []
        self.first_answers: dict[str, bytes] = {}
        self.numbers = count(1)
        self.steps_back = 0

    @initialize(terms=program_terms(), zone=st.sampled_from(ZONES))
    def open_program(self, terms: dict[str, Any], zone: str) -> None:
        name_seed()
        self.driver = self.make_driver(terms, zone)
        self.model = Model(self.driver.program, terms)
        self.comparison = Comparison(self.model)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """One command."""
        self.send([self.request(self.asker(data).command())])

    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """The same rule under another name, so that it comes twice as often."""
        self.ask(data)

    @rule(data=st.data())
    def get_into_debt(self, data: st.DataObject) -> None:
        self.send([self.request(command) for command in self.asker(data).debt()])

    @rule(data=st.data(), atomic=st.booleans(), dry_run=st.sampled_from([False, False, True]))
    def ask_many(self, data: st.DataObject, atomic: bool, dry_run: bool) -> None:
        """Several at once; some of them the same, and some others under the same key."""
        asker = self.asker(data)
        requests = [self.request(asker.command()) for _ in range(data.draw(st.integers(2, 5)))]
        if data.draw(st.integers(0, 3)) == 0:
            requests[-1] = under(requests[0].key, requests[-1])
        if data.draw(st.integers(0, 3)) == 0:
            requests.insert(1, requests[0])
        self.send(requests, atomic=atomic, dry_run=dry_run)

    @rule(data=st.data())
    def rehearse(self, data: st.DataObject) -> None:
        """One command that must leave no trace."""
        before = self.driver.snapshot()
        self.send([self.request(self.asker(data).command())], dry_run=True)
        assert self.driver.snapshot() == before

    @precondition(lambda self: self.model.members)
    @rule()
    def sweep(self) -> None:
        """Book every expiry, as the job does: without keys."""
        self.send([Request(ExpireLots(name, self.now)) for name in sorted(self.model.members)])

    @precondition(lambda self: self.model.members)
    @rule()
    def let_holds_lapse(self) -> None:
        """Book every hold that is due, as the job does."""
        self.send([Request(LapseHolds(name)) for name in sorted(self.model.members)])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A request that was sent before, word for word."""
        self.send([data.draw(st.sampled_from(self.sent))])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def reuse_key(self, data: st.DataObject) -> None:
        """Another request under a key that was sent before."""
        request = self.request(self.asker(data).command())
        self.send([under(data.draw(st.sampled_from(self.sent)).key, request)])

    @rule(
        time=st.sampled_from(
            [timedelta(seconds=1), timedelta(hours=7), timedelta(days=1), timedelta(days=20)]
        )
    )
    def time_passes(self, time: timedelta) -> None:
        self.now += time

    @rule(step=st.sampled_from([timedelta(), -timedelta(microseconds=1)]))
    def time_reaches_an_edge(self, step: timedelta) -> None:
        """To the very instant at which a lot next begins or ends, or a hold ends; or to just before it."""
        edges = [edge for lot in self.model.lots for edge in (lot.available, lot.ends) if edge]
        edges += [hold.ends for m in self.model.members.values() for hold in m.holds if hold.status == "open"]
        coming = [edge + step for edge in edges if edge + step > self.now]
        if coming and min(coming) < self.now + timedelta(days=400):
            self.now = min(coming)

    @precondition(lambda self: self.driver.clock_may_go_back and self.steps_back < 3)
    @rule()
    def machine_clock_steps_back(self) -> None:
        self.now -= timedelta(seconds=90)
        self.steps_back += 1

    # Once: what depends on terms that stay is to be met as well.
    @precondition(lambda self: self.driver.may_change_terms and self.model.terms_version == 1)
    @rule(terms=program_terms())
    def change_terms(self, terms: dict[str, Any]) -> None:
        self.driver.change_terms(terms, self.now)
        self.model.change_terms(terms)

    # --- what is sent, and what must come back ---------------------------------------------------

    def asker(self, data: st.DataObject) -> Asker:
        return Asker(
            data,
            self.model,
            self.now,
            self.numbers,
            takes_expiry=self.driver.takes_expiry,
            takes_adjustments=self.driver.takes_adjustments,
        )

    def request(self, command: Command) -> Request:
        number = next(self.numbers)
        return under(f"k-{number}", Request(command, None, fingerprint(command), f"q-{number}"))

    def send(self, requests: Sequence[Request], *, atomic: bool = False, dry_run: bool = False) -> None:
        for request in requests:
            note(f"{self.now:%m-%d %H:%M:%S.%f} {request.key} {request.command}")
        if not dry_run:
            self.sent += [request for request in requests if request.key is not None]
        expected = self.model.post(requests, self.now, atomic=atomic, dry_run=dry_run)
        answers = self.driver.post(requests, now=self.now, atomic=atomic, dry_run=dry_run)
        books = self.driver.snapshot()
        self.comparison.check_state(books)
        self.comparison.check_answers(answers, expected)
        self.check_replays(requests, answers)
        check_books(books)

    def check_replays(self, requests: Sequence[Request], answers: Sequence[Answer]) -> None:
        """A key that has an answer gives the same bytes whenever it is sent."""
        for request, answer in zip(requests, answers, strict=True):
            if request.key in self.model.answers and answer.code not in FORGOTTEN:
                assert self.first_answers.setdefault(request.key, answer.raw) == answer.raw


def under(key: str | None, request: Request) -> Request:
    """The request under a key; a sweep has none, for it may book several entries, and an answer tells of one."""
    return request if isinstance(request.command, ExpireLots) else request._replace(key=key)


def run(
    make_driver: MakeDriver,
    examples: int,
    steps: int,
    machine: type[LedgerMachine] = LedgerMachine,
    **changes: Any,
) -> None:
    """Run the machine on new books for each example. ``changes`` are settings of Hypothesis."""
    started: Any = partial(machine, make_driver)
    run_state_machine_as_test(started, settings=profile(examples, stateful_step_count=steps, **changes))
