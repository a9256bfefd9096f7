"""The books are append-only: the application's role may not change them, and nobody's UPDATE gets through."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from ledger.devdb import SUPERUSER
from tests.conftest import EmbeddedCluster
from tests.till import open_till

BOOKS = (
    "entries",
    "postings",
    "business_references",
    "program_terms",
    "rates",
    "rule_sets",
    "rule_activations",
    "rule_switches",
    "tier_events",
    "entitlements",
    "till_batches",
    "erasures",
    "checkpoints",
    "reconciliations",
    "reconciliation_exceptions",
    "period_events",
    "deferral_policies",
    "estimates",
    "audit_events",
    "key_events",
    "member_lock_events",
    "merges",
    "reviews",
)

# Rows that no purchase makes.
FURTHER_ROWS = """
INSERT INTO rule_sets SELECT program_id, '', 1, '{}', decode(repeat('00', 32), 'hex'), 'k', now() FROM programs;
INSERT INTO rule_activations (program_id, owner, version, active_from, activated_by, recorded_at)
    SELECT program_id, '', 1, now(), 'k', now() FROM programs;
INSERT INTO rule_switches (program_id, kind, code, is_on, reason, switched_by, recorded_at)
    SELECT program_id, 'rule', 'r', false, 'x', 'k', now() FROM programs;
INSERT INTO tier_events (holder_id, ordinal, terms_version, effective_at, recorded_at, growth, to_tier, reason)
    SELECT holder_id, 1, 1, now(), now(), 0, 'silver', 'upgraded' FROM holders;
INSERT INTO entitlements SELECT holder_id, 'tea', '2026', 'silver', now(), now() FROM holders;
INSERT INTO erasures SELECT holder_id, now(), 'k', 'request' FROM holders;
INSERT INTO till_batches SELECT program_id, 'till-1', 1, decode(repeat('00', 32), 'hex'), 1, now() FROM programs;
INSERT INTO checkpoints SELECT program_id, gen_random_uuid(), 1, now(), 1, 1, decode(repeat('00', 32), 'hex'), NULL,
    decode(repeat('00', 32), 'hex'), decode(repeat('00', 64), 'hex') FROM programs;
INSERT INTO reconciliations SELECT program_id, gen_random_uuid(), 0, 1, 0, 0, 1, now(), NULL, now(), now(), 'orders',
    decode(repeat('00', 32), 'hex'), 'k', '{}' FROM programs;
INSERT INTO reconciliation_exceptions SELECT program_id, reconciliation_id, 1, 'missing', 'purchase', 'p', '{}'
    FROM reconciliations;
INSERT INTO period_events (program_id, event_id, period, status, recorded_at, changed_by)
    SELECT program_id, gen_random_uuid(), '2026-01-01', 'soft_closed', now(), 'k' FROM programs;
INSERT INTO estimates
    SELECT program_id, 1, gen_random_uuid(), NULL, '2026-01-01', 0.9, 'judgement', '{}', now(), 'x', 'k', 'a'
      FROM programs;
INSERT INTO member_lock_events
    SELECT holder_id, gen_random_uuid(), now(), true, 'frozen', 'k', 'x' FROM holders;
INSERT INTO audit_events
    SELECT program_id, gen_random_uuid(), now(), 'k', 'admin', NULL, NULL, 'a', '/', 200, NULL, 'r', 1, NULL, NULL
      FROM programs;
INSERT INTO api_keys (key_id, program_id, digest, role, name, created_at)
    SELECT 'aaaaaaaaaaaa', program_id, decode(repeat('00', 32), 'hex'), 'pos', '', now() FROM programs;
INSERT INTO key_events SELECT key_id, gen_random_uuid(), now(), 'freeze', 'k', 'x' FROM api_keys;
INSERT INTO merges SELECT holder_id, gen_random_uuid(), gen_random_uuid(), now(), NULL, '{}' FROM holders;
INSERT INTO quotes (holder_id, quote_id, points, points_value, price, made_at, expires_at, rate_version)
    SELECT holder_id, gen_random_uuid(), 10, 10, 30, now(), now() + interval '1 hour', 1 FROM holders;
INSERT INTO holds (holder_id, hold_id, points, expires_at, program_id, status)
    SELECT holder_id, gen_random_uuid(), 10, now() + interval '1 hour', program_id, 'open' FROM holders;
INSERT INTO reviews SELECT holder_id, hold_id, hold_id, 'k', program_id FROM holds;
"""


def changes_of(table: str) -> list[str]:
    column = {
        "entries": "kind = 'earn'",
        "postings": "amount = 1",
        "business_references": "reference = 'x'",
        "rule_switches": "is_on = true",
        "tier_events": "to_tier = 'gold'",
        "entitlements": "tier = 'gold'",
        "till_batches": "sequence = 9",
        "erasures": "reason = 'other'",
        "checkpoints": "number = 9",
        "reconciliations": "missing = 0",
        "reconciliation_exceptions": "outcome = 'extra'",
        "period_events": "status = 'open'",
        "audit_events": "status = 201",
        "key_events": "reason = 'y'",
        "member_lock_events": "is_on = false",
        "merges": "merged_at = now()",
        "reviews": "opened_by = 'x'",
    }
    return [
        f"UPDATE {table} SET {column.get(table, 'version = 9')}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ]


EVERY_CHANGE = [change for table in BOOKS for change in changes_of(table)]


@pytest.fixture(scope="module")
def books(file_database: Any) -> Any:
    """A database with rows in every table that is guarded. Every test is refused, or rolled back where it fails."""
    with open_till(file_database.app_url) as till:
        till.buy("m-1", 10_000)
    with psycopg.connect(file_database.owner_url) as owner:
        owner.execute(FURTHER_ROWS)
    return file_database


@pytest.fixture
def application(books: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, as ``Database`` takes it on."""
    with psycopg.connect(books.app_url, options="-c role=ledger_app") as connection:
        yield connection


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_application_may_not_change_the_books(application: Any, change: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
        application.execute(change)


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "ALTER TABLE entries DISABLE TRIGGER entries_refuse_change",
        "ALTER TABLE postings DROP CONSTRAINT postings_entry_id_fkey",
        "ALTER TABLE entries ADD COLUMN note text",
        "DROP TRIGGER entries_refuse_change ON entries",
        "DROP TABLE postings",
        "DROP FUNCTION refuse_change()",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
        "CREATE TABLE beside (id int)",
        "CREATE RULE quietly AS ON INSERT TO entries DO INSTEAD NOTHING",
        "UPDATE chart SET normal_side = 'debit'",
        "UPDATE holders SET program_id = 2",
        "UPDATE holders SET member_id = 'm-2'",
        "DELETE FROM holders",
        "UPDATE lots SET original = 9",
        "UPDATE lots SET available_at = '2020-01-01'",
        "DELETE FROM lots",
        "UPDATE outcomes SET answer = ''",
        "DELETE FROM outcomes",
        "INSERT INTO api_keys VALUES ('aaaaaaaaaaaa', 1, '', 'admin', '', '2026-01-01')",
        "UPDATE api_keys SET role = 'admin'",
        "UPDATE api_keys SET digest = ''",
        "UPDATE api_keys SET region = NULL",
        "UPDATE programs SET currency = 'USD'",
        "DELETE FROM programs",
        "UPDATE quotes SET points = 1",
        "UPDATE quotes SET expires_at = '2099-01-01'",
        "UPDATE quotes SET rate_version = 2",
        "DELETE FROM quotes",
        "TRUNCATE quotes",
        "ALTER TABLE quotes DISABLE TRIGGER quotes_use_once",
        "UPDATE holds SET points = 1",
        "UPDATE holds SET expires_at = '2099-01-01'",
        "DELETE FROM holds",
        "TRUNCATE holds",
    ],
)
def test_application_may_not_get_around_the_guards(application: Any, attempt: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(attempt)


def test_application_owns_nothing_and_may_become_nobody_else(books: Any) -> None:
    with psycopg.connect(books.owner_url) as owner:
        owned = owner.execute(
            "SELECT relname FROM pg_class WHERE relowner = 'ledger_app'::regrole"
            " UNION SELECT proname FROM pg_proc WHERE proowner = 'ledger_app'::regrole"
        ).fetchall()
        role = owner.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = 'ledger_app'"
        ).fetchone()
        memberships = owner.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'ledger_app'::regrole"
        ).fetchall()
    assert (owned, memberships) == ([], [])
    assert role == (False,) * 5


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_triggers_refuse_even_the_owner(books: Any, change: str) -> None:
    with (
        psycopg.connect(books.owner_url) as owner,
        pytest.raises(errors.InsufficientPrivilege, match="append-only"),
    ):
        owner.execute(change)


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_triggers_refuse_a_superuser_who_plays_replica(books: Any, cluster: Any, change: str) -> None:
    if not isinstance(cluster, EmbeddedCluster):
        pytest.skip("needs a superuser's login")
    with psycopg.connect(cluster.server.url(books.name, role=SUPERUSER)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            superuser.execute(change)


def test_every_guarded_table_has_both_triggers_always_on(books: Any) -> None:
    with psycopg.connect(books.owner_url) as owner:
        triggers = owner.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
        ).fetchall()
    assert triggers == [
        *sorted(
            [
                ("approvals", "approvals_by_keys_that_hold", "A"),
                ("approvals", "approvals_decide_once", "A"),
                ("api_keys", "api_keys_by_two_hands", "A"),
                ("api_keys", "api_keys_only_end", "A"),
                ("quotes", "quotes_use_once", "A"),
                ("entry_texts", "entry_texts_erase_only", "A"),
                ("entry_texts", "entry_texts_refuse_truncate", "A"),
                *(
                    (table, f"{table}_refuse_{what}", "A")
                    for table in BOOKS
                    for what in ("change", "truncate")
                ),
            ]
        )
    ]


USE = "UPDATE quotes SET used_entry_id = gen_random_uuid()"
FREE = "UPDATE quotes SET used_entry_id = NULL"


@pytest.mark.parametrize("second", [USE, FREE])
def test_quote_is_used_once_and_never_set_free(application: Any, second: str) -> None:
    application.execute(USE)
    with pytest.raises(errors.InsufficientPrivilege, match="used once"):
        application.execute(second)


def test_not_even_a_superuser_who_plays_replica_uses_a_quote_twice(books: Any, cluster: Any) -> None:
    if not isinstance(cluster, EmbeddedCluster):
        pytest.skip("needs a superuser's login")
    with psycopg.connect(cluster.server.url(books.name, role=SUPERUSER)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(USE)
        with pytest.raises(errors.InsufficientPrivilege, match="used once"):
            superuser.execute(USE)


@pytest.mark.parametrize(
    "change",
    [
        "status = 'released'",
        "status = 'captured', closed_entry_id = gen_random_uuid()",
        "captured = 5",
        "status = 'lapsed', closed_entry_id = gen_random_uuid(), captured = 5",
        "status = 'captured', closed_entry_id = gen_random_uuid(), captured = 11",
        "status = 'lost', closed_entry_id = gen_random_uuid()",
    ],
)
def test_hold_is_closed_by_an_entry_and_captured_no_further_than_it_reaches(
    application: Any, change: str
) -> None:
    with pytest.raises(errors.CheckViolation):
        application.execute(f"UPDATE holds SET {change}")


SECOND_RATE = {
    "bid": "0.01",
    "ask": "0.01",
    "floor": "0.007",
    "ceiling": "0.013",
    "max_step": "0.2",
    "valid_from": "now() + interval '1 day'",
    "proposed_by": "'maker'",
    "approved_by": "'checker'",
}


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("bid", "0.001", "rates_bid_check"),
        ("ceiling", "0.009", "rates_bid_check"),
        ("ask", "0.009", "rates_ask_check"),
        ("max_step", "2", "rates_max_step_check"),
        ("floor", "0", "rates_floor_check"),
        ("valid_from", "now() - interval '1 second'", "rates_valid_from_check"),
        ("approved_by", "'maker'", "rates_approved_by_check"),
        ("approved_by", "NULL", "rates_approved_by_check"),
    ],
)
def test_no_rate_is_outside_its_band_or_of_one_hand_alone(
    application: Any, column: str, value: str, constraint: str
) -> None:
    row = SECOND_RATE | {column: value}
    statement = (
        f"INSERT INTO rates (program_id, version, recorded_at, reason, {', '.join(row)})"
        f" SELECT program_id, 2, now(), 'x', {', '.join(row.values())} FROM programs"
    )
    with pytest.raises(errors.CheckViolation, match=constraint):
        application.execute(statement)


def test_insertion_is_open_to_the_application_and_the_guard_sees_no_insertion(application: Any) -> None:
    # The guards of the books are on change, not on growth: else nothing could be posted.
    for table in ("entries", "postings"):
        allowed = application.execute(
            sql.SQL("SELECT has_table_privilege('ledger_app', {}, 'INSERT')").format(sql.Literal(table))
        ).fetchone()
        assert allowed == (True,)
