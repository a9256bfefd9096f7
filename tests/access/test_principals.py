"""Who a key stands for; and that all ways of being wrong look alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from ledger.access import ROLES, Principal, authenticate
from ledger.access.keys import NewKey, new_key
from ledger.access.register import create_key, list_keys, revoke_key
from ledger.accounts.program import Program
from ledger.accounts.programs import create_program
from ledger.db import Database
from ledger.errors import Forbidden, LedgerError, Unauthenticated
from ledger.rules.terms import DEFAULT_TERMS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def owner(fresh_database: Any) -> Iterator[Database]:
    database = Database(fresh_database.owner_url, role=None, pool_size=2)
    yield database
    database.close()


@pytest.fixture
def application(fresh_database: Any) -> Iterator[Database]:
    database = Database(fresh_database.app_url, pool_size=2)
    yield database
    database.close()


def program(owner: Database, name: str = "default") -> Program:
    return owner.run(
        lambda connection: create_program(
            connection, name, currency="CNY", timezone="Asia/Shanghai", terms=DEFAULT_TERMS, now=NOW
        )
    )


def key(owner: Database, of: Program, role: str = "pos", **terms: Any) -> NewKey:
    return owner.run(lambda connection: create_key(connection, of, role, now=NOW, **terms))


def revoke(owner: Database, made: NewKey, now: datetime) -> bool:
    return owner.run(lambda connection: revoke_key(connection, made.key_id, now))


def who(application: Database, header: str | None, now: datetime = NOW) -> Principal:
    return application.run(lambda connection: authenticate(connection, header, now))


def refusal(application: Database, header: str | None, now: datetime = NOW) -> LedgerError:
    with pytest.raises(Unauthenticated) as caught:
        who(application, header, now)
    return caught.value


def test_a_key_stands_for_its_program_and_role(owner: Database, application: Database) -> None:
    first, second = program(owner), program(owner, "second")
    mine, other = key(owner, first, "pos"), key(owner, second, "finance")
    for token, of, role in ((mine, first, "pos"), (other, second, "finance")):
        found = who(application, f"Bearer {token.token}")
        assert (found.key_id, found.program, found.role) == (token.key_id, of, role)
        assert found.scopes == ROLES[role]


def test_the_scheme_is_read_in_any_case(owner: Database, application: Database) -> None:
    token = key(owner, program(owner)).token
    assert who(application, f"bEARER {token}", NOW).role == "pos"


def test_all_ways_of_being_wrong_look_alike(owner: Database, application: Database) -> None:
    of = program(owner)
    good, lapsed, revoked = key(owner, of), key(owner, of, expires_at=NOW + DAY), key(owner, of)
    assert revoke(owner, revoked, NOW)
    headers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {good.token}",
        good.token,
        f"Bearer  {good.token}",
        f"Bearer {good.token} ",
        f"Bearer {good.token[:-1]}",
        f"Bearer {good.token},Bearer {good.token}",
        f"Bearer {new_key().token}",
        f"Bearer {revoked.token}",
        f"Bearer {lapsed.token}",
    ]
    refusals = [refusal(application, header, NOW + DAY) for header in headers]
    assert len({(error.code, error.detail, str(error.details)) for error in refusals}) == 1


def test_a_key_with_the_id_of_another_is_refused(owner: Database, application: Database) -> None:
    # Only the digest tells them apart: the id and the checksum of a forged key are sound.
    real, forged = key(owner, program(owner)), new_key()
    owner.run(
        lambda connection: connection.exec_driver_sql(
            "UPDATE api_keys SET key_id = %s WHERE key_id = %s", (forged.key_id, real.key_id)
        )
    )
    refusal(application, f"Bearer {forged.token}")


def test_a_key_works_until_the_instant_it_lapses(owner: Database, application: Database) -> None:
    token = key(owner, program(owner), expires_at=NOW + DAY).token
    just_before = NOW + DAY - timedelta(microseconds=1)
    assert who(application, f"Bearer {token}", just_before).role == "pos"
    refusal(application, f"Bearer {token}", NOW + DAY)


def test_a_revoked_key_is_refused_at_once_and_stays_revoked(owner: Database, application: Database) -> None:
    made = key(owner, program(owner))
    for when in (NOW, NOW + DAY):
        assert revoke(owner, made, when)
    refusal(application, f"Bearer {made.token}")
    with owner.read() as connection:
        assert [found.revoked_at for found in list_keys(connection)] == [NOW]


def test_an_unknown_key_cannot_be_revoked(owner: Database) -> None:
    assert not owner.run(lambda connection: revoke_key(connection, "0" * 12, NOW))


def test_a_role_of_a_later_release_carries_nothing(owner: Database, application: Database) -> None:
    made = key(owner, program(owner))
    owner.run(lambda connection: connection.exec_driver_sql("UPDATE api_keys SET role = 'archivist'"))
    found = who(application, f"Bearer {made.token}", NOW)
    assert found.scopes == frozenset()
    with pytest.raises(Forbidden) as caught:
        found.require("read")
    assert caught.value.details == {"required_scope": "read"}


def test_the_database_knows_no_key(owner: Database) -> None:
    made = key(owner, program(owner))
    with owner.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_keys").all()
    secret = made.token.rpartition("_")[2]
    assert secret not in repr(rows)
    assert secret.encode() not in repr(rows).encode()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO api_keys SELECT 'x' || key_id, program_id, digest, 'admin', '', created_at FROM api_keys",
        "UPDATE api_keys SET role = 'admin'",
        "DELETE FROM api_keys",
    ],
)
def test_the_application_can_neither_make_a_key_by_itself_nor_change_one(
    owner: Database, application: Database, statement: str
) -> None:
    key(owner, program(owner))
    # A key that two hands have made over HTTP it may register, and none that they have not.
    with pytest.raises(ProgrammingError, match=r"permission denied|approved"):
        application.run(lambda connection: connection.exec_driver_sql(statement))


def test_keys_are_listed_by_program_without_what_they_say(owner: Database) -> None:
    first, second = program(owner), program(owner, "second")
    mine, other = key(owner, first, name="till 7"), key(owner, second, "finance")
    with owner.read() as connection:
        everything, of_first = list_keys(connection), list_keys(connection, first)
    assert {found.key_id for found in everything} == {mine.key_id, other.key_id}
    assert [(found.program, found.role, found.name) for found in of_first] == [("default", "pos", "till 7")]
    assert mine.token not in repr(everything)
