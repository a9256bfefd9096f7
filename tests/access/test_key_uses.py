"""When a key was used last is known to ten minutes, and costs next to nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger import clock
from ledger.access.key_uses import PRECISION, KeyUses, note_use
from ledger.access.keys import key_id_of
from ledger.access.register import create_key, list_keys
from ledger.accounts.programs import create_program
from ledger.db import Database
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import open_service

NOW = datetime(2026, 1, 15, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class Uses:
    """A key, what a worker notes of it, and what is there then."""

    def __init__(self, owner: Database, application: Database) -> None:
        self.owner = owner
        program = owner.run(
            lambda connection: create_program(
                connection, "default", currency="CNY", timezone="UTC", terms=DEFAULT_TERMS, now=NOW
            )
        )
        self.key_id = owner.run(lambda connection: create_key(connection, program, "pos", now=NOW)).key_id
        self.application = application
        self.worker = KeyUses(application)

    def note(self, now: datetime) -> None:
        self.worker.note(self.key_id, now)

    @property
    def last(self) -> datetime | None:
        with self.owner.read() as connection:
            (key,) = list_keys(connection)
        return key.last_used_at


@pytest.fixture
def uses(fresh_database: Any) -> Iterator[Uses]:
    owner = Database(fresh_database.owner_url, role=None, pool_size=1)
    application = Database(fresh_database.app_url, pool_size=1)
    yield Uses(owner, application)
    application.close()
    owner.close()


def test_a_key_that_nobody_has_used_was_never_used(uses: Uses) -> None:
    assert uses.last is None


def test_a_worker_notes_a_use_once_in_ten_minutes(uses: Uses) -> None:
    uses.note(NOW)
    assert uses.last == NOW
    uses.note(NOW + PRECISION - TICK)
    assert uses.last == NOW
    uses.note(NOW + PRECISION)
    assert uses.last == NOW + PRECISION


def test_the_later_of_two_workers_stays(uses: Uses) -> None:
    uses.note(NOW + PRECISION)
    KeyUses(uses.application).note(uses.key_id, NOW)
    assert uses.last == NOW + PRECISION


def test_whoever_may_ask_is_answered_though_his_use_cannot_be_noted(uses: Uses) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nowhere", pool_size=1)
    KeyUses(nowhere).note(uses.key_id, NOW)
    nowhere.close()
    assert uses.last is None


def test_the_application_notes_uses_of_keys_that_there_are_and_changes_no_key(uses: Uses) -> None:
    with pytest.raises(Exception, match="key_uses_key_id_fkey"):
        uses.application.run(lambda connection: note_use(connection, "nowhere", NOW))


def test_the_service_notes_who_has_called(cluster: Any, template: str) -> None:
    before = clock.system_now()
    with open_service(cluster, template) as service:
        tenant = service.tenant("shop")
        assert tenant.send("GET", "/v1/program", role="pos").status_code == 200
        with service.owner.read() as connection:
            found = {key.key_id: key.last_used_at for key in list_keys(connection)}
    last = found.pop(str(key_id_of(tenant.keys["pos"])))
    assert last is not None
    assert last >= before
    assert set(found.values()) == {None}
