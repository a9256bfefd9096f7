"""Each guard in the database and each lock is there for a reason: without it, a check of the suite fails.

The units of work meet at barriers that the server itself reports, so these fail every time, not now and then.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import psycopg
import pytest

from ledger.db import Database
from ledger.errors import LedgerError
from ledger.journal import load, locks, write
from tests.concurrency import checks
from tests.concurrency.rivals import open_bench, open_database
from tests.conftest import TestDatabase
from tests.stories.telling import tell

post = import_module("ledger.journal.post")

Patch = pytest.MonkeyPatch
Plant = Callable[["Broken"], None]


class Broken:
    """A database and a process to plant bugs into."""

    def __init__(self, patch: Patch, database: TestDatabase) -> None:
        self.patch = patch
        self.address = database.owner_url.replace("postgresql+psycopg", "postgresql")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as owner:
            owner.execute(statement.encode())

    def rewrite(self, module: Any, name: str, old: str, new: str) -> None:
        """Change the text of a statement."""
        statement = getattr(module, name)
        text = statement if isinstance(statement, str) else statement.as_string(None)
        assert old in text
        self.patch.setattr(module, name, text.replace(old, new))


@pytest.fixture
def broken(monkeypatch: Patch, fresh_database: TestDatabase) -> Broken:
    return Broken(monkeypatch, fresh_database)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url) as opened:
        yield opened


def no_lock_on_the_holder(broken: Broken) -> None:
    broken.rewrite(locks, "_LOCK", "FOR NO KEY UPDATE", "")


def neither_lock_nor_unique_version(broken: Broken) -> None:
    no_lock_on_the_holder(broken)
    broken.execute("ALTER TABLE entries DROP CONSTRAINT entries_holder_id_key")


def locks_in_another_order(broken: Broken) -> None:
    broken.rewrite(locks, "_LOCK", "ORDER BY holder_id", "ORDER BY holder_id DESC")


def keys_need_not_be_unique(broken: Broken) -> None:
    broken.execute("ALTER TABLE outcomes DROP CONSTRAINT outcomes_pkey")


def references_need_not_be_unique(broken: Broken) -> None:
    broken.execute("ALTER TABLE business_references DROP CONSTRAINT business_references_pkey")


def keys_are_not_looked_up(broken: Broken) -> None:
    broken.patch.setattr(load, "_ask_outcomes", lambda *_: ())


def entries_are_read_before_the_lock(broken: Broken) -> None:
    """The refunds of a redemption are counted while another one is still being posted."""
    early: list[Any] = []
    resolve, ask = load._resolve_targets, load._ask_recorded

    def reading_first(driver: Any, program: Any, commands: Any) -> Any:
        targets = resolve(driver, program, commands)
        early[:] = ask(driver, [entry for entry, _ in targets.values()])
        return targets

    broken.patch.setattr(load, "_resolve_targets", reading_first)
    broken.patch.setattr(load, "_ask_recorded", lambda *_: list(early))


def lots_keep_their_old_end(broken: Broken) -> None:
    broken.rewrite(write, "_UPDATE_LOTS", '"expires_at" = n."expires_at"', '"expires_at" = t."expires_at"')


def clock_of_the_machine_is_believed(broken: Broken) -> None:
    """The time of a batch is the machine's, even where the books have seen a later one."""
    real = load.load

    def believing(connection: Any, program: Any, requests: Any, now: Any, **options: Any) -> Any:
        loaded = real(connection, program, requests, now, **options)
        loaded.now = now
        return loaded

    broken.patch.setattr(load, "load", believing)


def check_rolling_points_roll(database: Database) -> None:
    tell(
        open_bench(database, "rolling", points_expiry={"kind": "rolling", "months": 1}),
        """
        2026-01-10  ann buys p1 for 10.00 and earns 10
        2026-02-01  ann redeems 1
        2026-02-20  ann has 9
        """,
    )


BUGS: list[tuple[Plant, Callable[[Database], None]]] = [
    (no_lock_on_the_holder, checks.check_who_waits_reads_after_the_lock),
    (neither_lock_nor_unique_version, checks.check_one_of_two_spends_all),
    (locks_in_another_order, checks.check_who_waits_holds_nothing_later),
    (keys_need_not_be_unique, checks.check_one_key_has_one_effect_across_members),
    (references_need_not_be_unique, checks.check_one_reference_has_one_effect_across_members),
    (keys_are_not_looked_up, checks.check_retry_after_the_answer_gets_it_again),
    (entries_are_read_before_the_lock, checks.check_redemption_is_refunded_once),
    (entries_are_read_before_the_lock, checks.check_return_and_reversal_take_back_once),
    (lots_keep_their_old_end, check_rolling_points_roll),
    (clock_of_the_machine_is_believed, checks.check_redemption_finds_nothing_that_was_swept),
]


@pytest.mark.parametrize(
    ("plant", "check"), BUGS, ids=[f"{plant.__name__}-{check.__name__}" for plant, check in BUGS]
)
def test_guard_is_missed_when_it_is_gone(
    plant: Plant, check: Callable[[Database], None], broken: Broken, database: Database
) -> None:
    plant(broken)
    with pytest.raises((AssertionError, LedgerError)):
        check(database)


def test_checks_hold_while_the_guards_are_there(database: Database) -> None:
    for check in dict.fromkeys(check for _, check in BUGS):
        check(database)
