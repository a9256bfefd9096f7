"""Group commit: what is posted at the same time shares a commit, and each caller hears of his own posting alone.

A batch is held up by a command that waits while it decides; that others wait behind it is seen in the queue.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from ledger.access.register import create_key, revoke_key
from ledger.accounts.program import Program
from ledger.accounts.programs import change_terms, create_program, find_program, set_test_clock
from ledger.db import Database
from ledger.errors import IdempotencyKeyReused, InsufficientPoints, Overloaded
from ledger.journal import Outcome, Request, writer
from ledger.journal.commands import Books, Command, Decision
from ledger.journal.load import StaleProgramError
from ledger.journal.writer import PATIENT, Writer
from ledger.rules.commands import Earning
from tests.builders import NOW, earning, fresh, redeem, request, terms
from tests.concurrency.rivals import open_database
from tests.conftest import TestDatabase
from tests.queues import SECONDS, Queue, until


@dataclass(frozen=True)
class Held(Earning):
    """Waits while it decides."""

    begun: Event = field(default_factory=Event)
    gate: Event = field(default_factory=Event)

    def decide(self, books: Books) -> Decision:
        self.begun.set()
        assert self.gate.wait(SECONDS)
        return super().decide(books)


class Poisoned(Earning):
    """Cannot be decided."""

    def decide(self, books: Books) -> Decision:
        raise RuntimeError("poison")


@dataclass(frozen=True)
class Restless(Earning):
    """Lets something happen meanwhile when it is decided for the second time."""

    meanwhile: Callable[[], object] = lambda: None
    runs: list[None] = field(default_factory=list)

    def decide(self, books: Books) -> Decision:
        self.runs.append(None)
        if len(self.runs) == 2:
            self.meanwhile()
        return super().decide(books)


class Desk:
    """A writer, callers, and an owner who sees and does what no caller may."""

    def __init__(self, books: Database, posting: Writer, program: Program, owner: Database) -> None:
        self.books = books
        self.posting = posting
        self.program = program
        self.owner = owner
        self.pool = ThreadPoolExecutor(16)
        self.held = Held("m-held", 1, "a test", fresh("held"))

    def post(self, command: Command, key: str | None = None) -> Outcome:
        return self.send(request(command, key))

    def send(self, one: Request) -> Outcome:
        return self.posting(self.program, one)

    def together(self, *requests: Request) -> "list[Future[Outcome]]":
        """Callers who are in one batch: they have come while another was held up, which is done now."""
        leader = self.hold_up()
        futures = self.line_up(*requests)
        self.held.gate.set()
        leader.result(SECONDS)
        return futures

    def hold_up(self) -> "Future[Outcome]":
        """A batch that is under way, with its transaction open, until ``held.gate`` is set."""
        leader = self.pool.submit(self.send, request(self.held, fresh("k")))
        assert self.held.begun.wait(SECONDS)
        return leader

    def line_up(self, *requests: Request) -> "list[Future[Outcome]]":
        return Queue(self.posting._gather, self.pool).line_up(*(partial(self.send, one) for one in requests))

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.owner.read() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def entries(self, member: str) -> int:
        """How many entries of a member another connection sees."""
        statement = "SELECT count(*) FROM entries JOIN holders USING (holder_id) WHERE member_id = :member"
        return int(self.rows(statement, member=member)[0][0])

    def sessions(self, wait: str) -> list[int]:
        """The sessions of the application that wait for such a lock."""
        statement = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                       AND wait_event_type = 'Lock' AND wait_event = :wait"""
        return [pid for (pid,) in self.rows(statement, wait=wait)]


@contextmanager
def desk_on(database: TestDatabase, **limits: int) -> Iterator[Desk]:
    owner = Database(database.owner_url, role=None, pool_size=2)
    with open_database(database.app_url) as books:
        program = books.run(partial(made, is_test=False))
        desk = Desk(books, Writer(books, lambda: NOW, **limits), program, owner)
        try:
            yield desk
        finally:
            desk.held.gate.set()
            desk.pool.shutdown()
            owner.close()


def made(connection: Connection, *, is_test: bool) -> Program:
    name = "test" if is_test else "real"
    return create_program(
        connection, name, currency="CNY", timezone="UTC", terms=terms(), now=NOW, is_test=is_test
    )


@pytest.fixture
def desk(fresh_database: TestDatabase) -> Iterator[Desk]:
    with desk_on(fresh_database) as opened:
        yield opened


@pytest.fixture
def holding(fresh_database: TestDatabase) -> Iterator["psycopg.Connection[Any]"]:
    """A connection on which the test holds what it likes; it lets go by rolling back."""
    with psycopg.connect(fresh_database.owner_url) as connection:
        yield connection
        connection.rollback()


def results(futures: "list[Future[Outcome]]") -> list[Outcome]:
    return [future.result(SECONDS) for future in futures]


def codes(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.error.code if outcome.error else None for outcome in outcomes]


def test_those_who_come_while_a_batch_is_under_way_share_the_next_commit(desk: Desk) -> None:
    wanted = [earning(number, member=f"m-{number % 3}") for number in range(1, 9)]
    outcomes = results(desk.together(*map(request, wanted)))
    assert [(outcome.answer or {})["points"] for outcome in outcomes] == [*range(1, 9)]
    statement = "SELECT xmin::text, reference FROM entries WHERE reference = ANY(:wanted)"
    found = desk.rows(statement, wanted=[command.reference for command in wanted])
    assert sorted(reference for _, reference in found) == sorted(command.reference for command in wanted)
    assert len({transaction for transaction, _ in found}) == 1


def test_a_lone_posting_waits_for_nobody(desk: Desk) -> None:
    first, second = (desk.post(earning(5)) for _ in range(2))
    assert codes([first, second]) == [None, None]
    assert desk.entries("m-1") == 2


def test_nobody_is_answered_before_the_commit(
    desk: Desk, holding: "psycopg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit itself is held up, by a check at its end that waits for a lock of the test."""
    desk.posting._hurried.close()
    monkeypatch.setattr(writer, "LOCK_TIMEOUT_MS", SECONDS * 1_000)
    desk.posting = Writer(desk.books, lambda: NOW)
    holding.execute("SELECT pg_advisory_lock(6)")
    holding.execute("""
        CREATE FUNCTION await_test() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_advisory_xact_lock(6); RETURN NULL; END$$""")
    holding.execute("""
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.reference LIKE 'late-%') EXECUTE FUNCTION await_test()""")
    holding.commit()

    def post_and_look(number: int) -> tuple[Outcome, int]:
        outcome = desk.post(earning(number, member=f"m-{number}", reference=f"late-{number}"))
        return outcome, desk.entries(f"m-{number}")

    leader = desk.hold_up()
    calls = [partial(post_and_look, number) for number in (1, 2, 3)]
    futures = Queue(desk.posting._gather, desk.pool).line_up(*calls)
    desk.held.gate.set()
    leader.result(SECONDS)
    until(lambda: desk.sessions("advisory"))
    assert not any(future.done() for future in futures)
    holding.execute("SELECT pg_advisory_unlock(6)")
    holding.commit()
    heard = [future.result(SECONDS) for future in futures]
    assert codes([outcome for outcome, _ in heard]) == [None] * 3
    assert [seen for _, seen in heard] == [1, 1, 1]


def refused_by_the_database() -> Command:
    return earning(5, member="no such name")


@pytest.mark.parametrize("poison", [lambda: Poisoned("m-9", 5, "a test", "p"), refused_by_the_database])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_posting_that_cannot_be_made_harms_its_own_caller_alone(desk: Desk, poison: Any, at: int) -> None:
    commands = [earning(number, member=f"m-{number}") for number in range(1, 5)]
    commands.insert(at, poison())
    futures = desk.together(*map(request, commands))
    spoilt = futures.pop(at)
    assert isinstance(spoilt.exception(SECONDS), RuntimeError | psycopg.errors.CheckViolation)
    assert codes(results(futures)) == [None] * 4
    assert [desk.entries(f"m-{number}") for number in range(1, 5)] == [1] * 4
    assert desk.rows("SELECT count(*) FROM holders WHERE member_id IN ('m-9', 'no such name')") == [(0,)]
    assert codes([desk.post(earning(5))]) == [None]


def test_every_poisoned_posting_of_many_fails_by_itself(desk: Desk) -> None:
    commands = [
        Poisoned(f"m-{n}", 5, "a test", f"p-{n}") if n % 2 else earning(5, member=f"m-{n}") for n in range(8)
    ]
    errors = [future.exception(SECONDS) for future in desk.together(*map(request, commands))]
    assert [type(error) for error in errors] == [type(None), RuntimeError] * 4
    assert [desk.entries(f"m-{number}") for number in range(8)] == [1, 0] * 4


def test_a_member_whom_another_holds_keeps_his_own_posting_waiting_alone(
    desk: Desk, holding: "psycopg.Connection[Any]"
) -> None:
    for number in (1, 2, 3):
        desk.post(earning(5, member=f"m-{number}"))
    holding.execute("SELECT FROM holders WHERE member_id = 'm-2' FOR UPDATE")
    futures = desk.together(*(request(earning(7, member=f"m-{number}")) for number in (1, 2, 3)))
    waiting = futures.pop(1)
    assert codes(results(futures)) == [None, None]
    # Whoever comes now is not kept up either.
    assert codes([desk.post(earning(9, member="m-1"))]) == [None]
    until(lambda: desk.sessions("transactionid"))
    assert not waiting.done()
    assert desk.entries("m-2") == 1
    holding.rollback()
    assert codes([waiting.result(SECONDS)]) == [None]
    assert [desk.entries(f"m-{number}") for number in (1, 2, 3)] == [3, 2, 2]


def test_those_who_wait_for_a_held_member_take_no_connection_from_the_others(
    desk: Desk, holding: "psycopg.Connection[Any]"
) -> None:
    desk.post(earning(5, member="m-1"))
    holding.execute("SELECT FROM holders WHERE member_id = 'm-1' FOR UPDATE")
    futures = desk.together(*(request(earning(7, member="m-1")) for _ in range(PATIENT)))
    until(lambda: len(desk.sessions("transactionid")) + len(desk.sessions("tuple")) == PATIENT)
    assert desk.books.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    holding.rollback()
    assert codes(results(futures)) == [None] * PATIENT


def test_one_key_from_two_callers_of_a_batch_has_one_effect(desk: Desk) -> None:
    command = earning(5)
    futures = desk.together(
        request(command, "k"), request(command, "k"), request(earning(6, member="m-2"), "k")
    )
    first, second, third = results(futures)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.answer == second.answer
    assert isinstance(third.error, IdempotencyKeyReused)
    assert (desk.entries("m-1"), desk.entries("m-2")) == (1, 0)
    again = desk.post(command, "k")
    assert (again.replayed, again.answer) == (True, first.answer)


def test_a_refusal_refuses_its_own_posting_alone(desk: Desk) -> None:
    desk.post(earning(10))
    futures = desk.together(
        request(redeem(8)), request(redeem(8)), request(redeem(1, member="m-2")), request(redeem(2))
    )
    outcomes = results(futures)
    assert codes(outcomes) == [None, "insufficient_points", "member_unknown", None]
    assert isinstance(outcomes[1].error, InsufficientPoints)
    assert desk.rows("SELECT points FROM holders WHERE member_id = 'm-1'") == [(0,)]


def changed_terms(connection: Connection, program: Program) -> None:
    change_terms(connection, program, terms(max_operation_amount=5), NOW)


def moved_clock(connection: Connection, program: Program) -> None:
    set_test_clock(connection, program, NOW)


def revoked(connection: Connection, program: Program) -> None:
    key = create_key(connection, program, "pos", now=NOW)
    assert revoke_key(connection, key.key_id, NOW)


def test_the_half_that_is_committed_hears_so_whatever_becomes_of_the_other(desk: Desk) -> None:
    def change() -> None:
        desk.owner.run(lambda connection: change_terms(connection, desk.program, terms(), NOW))

    sound = Restless("m-1", 5, "a test", "sound", meanwhile=change)
    first, second = desk.together(request(sound), request(Poisoned("m-2", 5, "a test", "p")))
    assert isinstance(second.exception(SECONDS), StaleProgramError)
    assert desk.entries("m-1") == 1
    assert first.exception(SECONDS) is None


@pytest.mark.parametrize("change", [changed_terms, moved_clock, revoked])
def test_nothing_is_posted_by_what_a_program_is_no_more(desk: Desk, change: Any) -> None:
    desk.program = desk.owner.run(partial(made, is_test=True))
    assert codes([desk.post(earning(5, reference="before"))]) == [None]
    desk.owner.run(lambda connection: change(connection, desk.program))
    with pytest.raises(StaleProgramError):
        desk.post(earning(5, reference="after"))
    assert desk.entries("m-1") == 1
    desk.program = desk.owner.run(lambda connection: find_program(connection, "test")) or desk.program
    assert desk.post(earning(5, reference="after")).error is None


def test_what_has_changed_is_told_to_those_alone_who_do_not_know(desk: Desk) -> None:
    old = desk.program
    leader = desk.hold_up()
    before = desk.line_up(request(earning(1, member="m-1")))
    desk.owner.run(lambda connection: change_terms(connection, old, terms(), NOW))
    desk.program = desk.owner.run(lambda connection: find_program(connection, old.name)) or old
    after = desk.line_up(request(earning(2, member="m-2")))
    desk.held.gate.set()
    assert leader.result(SECONDS).error is None
    assert isinstance(before[0].exception(SECONDS), StaleProgramError)
    assert after[0].result(SECONDS).error is None
    assert (desk.entries("m-1"), desk.entries("m-2")) == (0, 1)


def end_sessions(desk: Desk) -> None:
    """End every session of the application, as an administrator does."""
    ended = desk.rows("""
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'ledger' AND pid <> pg_backend_pid()""")
    assert ended and all(is_gone for (is_gone,) in ended)


def test_a_session_that_was_ended_while_idle_goes_unnoticed(desk: Desk) -> None:
    desk.post(earning(5))
    end_sessions(desk)
    assert codes([desk.post(earning(5))]) == [None]
    assert desk.entries("m-1") == 2


def test_a_session_that_is_ended_during_a_batch_goes_unnoticed(desk: Desk) -> None:
    leader = desk.hold_up()
    futures = desk.line_up(request(earning(5)), request(earning(6)))
    end_sessions(desk)
    desk.held.gate.set()
    assert codes(results([leader, *futures])) == [None] * 3
    assert (desk.entries("m-held"), desk.entries("m-1")) == (1, 2)


def test_a_full_queue_refuses_and_nothing_of_it_is_posted(fresh_database: TestDatabase) -> None:
    with desk_on(fresh_database, room=1) as desk:
        leader = desk.hold_up()
        waiting = desk.line_up(request(earning(5, member="m-1")))
        refused = request(earning(6, member="m-2"))
        with pytest.raises(Overloaded):
            desk.send(refused)
        desk.held.gate.set()
        assert codes(results([leader, *waiting])) == [None, None]
        assert desk.entries("m-2") == 0
        outcome = desk.send(refused)
        assert (outcome.error, outcome.replayed) == (None, False)
        assert desk.entries("m-2") == 1
