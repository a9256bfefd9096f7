"""The posting path speaks to Citus in forms that it accepts."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

import ledger.journal
from ledger.citus import DISTRIBUTED_BY
from ledger.db import Database
from ledger.journal import locks
from tests.whole_service import Tenant, open_service, with_history, with_holds

from .forms import RULES, broken_by
from .story import tell

ON_ONE_SERVER = {
    "ledger.journal.locks._LOOK_ROWS_UP": {"forces one plan for all parameters"},
    "ledger.journal.locks._LOCK": {"locks rows of more than one shard"},
}
"""What Citus refuses; it is sent to one server, and a cluster is asked in another form (``ledger.journal.locks``)."""

PARTS = ("ledger.accounts.hold_queries", "ledger.accounts.growth_history", "ledger.accounts.merge_queries")
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def statements() -> dict[str, str]:
    """Every statement that the modules of the posting path keep, by its name."""
    names = [f"ledger.journal.{module.name}" for module in pkgutil.iter_modules(ledger.journal.__path__)]
    found = {}
    for name in (*names, *PARTS):
        for attribute, value in vars(importlib.import_module(name)).items():
            is_statement = isinstance(value, str) and value.lstrip().split(" ")[0] in VERBS
            if is_statement and (name, attribute) not in _REPEATED:
                found[f"{name}.{attribute}"] = value
    return found


# Imported from where it is kept.
_REPEATED = {
    ("ledger.accounts.growth_history", "MERGES"),
    ("ledger.journal.families", "CHANGES"),
    ("ledger.journal.families", "MERGES"),
    ("ledger.journal.lot_reading", "OPEN_HOLDS"),
}


def test_statements_keep_to_the_forms_that_citus_accepts() -> None:
    found = {name: rules for name, statement in statements().items() if (rules := broken_by(statement))}
    assert found == ON_ONE_SERVER


def test_every_table_of_the_books_is_written_by_a_statement_that_is_looked_at() -> None:
    written = {
        table
        for table, column in DISTRIBUTED_BY.items()
        if any(f'INSERT INTO "{table}"' in statement for statement in statements().values())
    }
    beside = {
        "member_attributes",
        "till_batches",
        "rate_counts",
        "key_uses",
        "erasures",
        "member_lock_events",
    }
    assert written == {t for t, c in DISTRIBUTED_BY.items() if c != "program_id"} - beside | {"alerts"}


ACCEPTED = [
    "SELECT version FROM holders WHERE holder_id = %b FOR NO KEY UPDATE",
    "SELECT version FROM holders WHERE holder_id = ANY(%b)",
    "SELECT l.lot_id FROM unnest(%b, %b) AS w (holder_id, lot_id) JOIN lots l USING (holder_id, lot_id)",
    "SELECT e.kind FROM entries e LEFT JOIN postings p USING (entry_id, holder_id) WHERE e.holder_id = %b",
    "SELECT e.kind FROM entries e JOIN programs p ON p.program_id = %b WHERE e.holder_id = %b",
    'INSERT INTO "usages" ("holder_id", "times") SELECT unnest(%b), unnest(%b) ON CONFLICT ("holder_id")'
    ' DO UPDATE SET "times" = EXCLUDED."times"',
    'INSERT INTO "alerts" ("program_id", "code") SELECT unnest(%b), unnest(%b) ON CONFLICT DO NOTHING',
    'UPDATE "lots" t SET "remaining" = n."remaining" FROM (SELECT unnest(%b) AS "holder_id", unnest(%b) AS "remaining"'
    ' OFFSET 0) n WHERE t."holder_id" = n."holder_id"',
    'INSERT INTO "programs" ("name") SELECT unnest(%b)',
]

REFUSED = {
    "locks rows of more than one shard": "SELECT version FROM holders WHERE holder_id = ANY(%b) FOR NO KEY UPDATE",
    "forces one plan for all parameters": "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)",
    "limits or sorts in a lateral subquery": "SELECT 1 FROM unnest(%b) AS w (k) CROSS JOIN LATERAL"
    " (SELECT FROM outcomes WHERE key = w.k LIMIT 1) o",
    "recurses": "WITH RECURSIVE a AS (SELECT * FROM referrals WHERE holder_id = %b) SELECT * FROM a",
    "asks a table for each row of no table": 'INSERT INTO "tier_events" ("holder_id", "ordinal") SELECT n."holder_id",'
    " n.ordinal + (SELECT coalesce(max(e.ordinal), 0) FROM tier_events e WHERE e.holder_id = n.holder_id)"
    ' FROM (SELECT unnest(%b) AS "holder_id" OFFSET 0) n',
    "inserts without the column of distribution": 'INSERT INTO "lots" ("lot_id") SELECT unnest(%b)',
    "updates rows that the column of distribution does not find": 'UPDATE "lots" t SET "remaining" = n."remaining"'
    ' FROM (SELECT unnest(%b) AS "lot_id") n WHERE t."lot_id" = n."lot_id"',
    "changes the column of distribution": 'UPDATE "lots" t SET "holder_id" = %b WHERE t."holder_id" = %b',
    "meets rows by a key without the column of distribution": 'INSERT INTO "lots" ("holder_id", "lot_id")'
    ' SELECT unnest(%b), unnest(%b) ON CONFLICT ("lot_id") DO NOTHING',
    "computes in DO UPDATE": 'INSERT INTO "usages" ("holder_id", "times") SELECT unnest(%b), unnest(%b)'
    ' ON CONFLICT ("holder_id") DO UPDATE SET "times" = "usages"."times" + 1',
    "joins across shards": "SELECT 1 FROM entries e JOIN postings p USING (entry_id) WHERE e.holder_id = %b",
    "asks for chance or time": 'INSERT INTO "lots" ("holder_id", "lot_id") SELECT unnest(%b), gen_random_uuid()',
}


@pytest.mark.parametrize("statement", ACCEPTED)
def test_forms_that_citus_accepts_break_no_rule(statement: str) -> None:
    assert broken_by(statement) == set()


def test_every_rule_has_a_statement_that_breaks_it() -> None:
    assert REFUSED.keys() == RULES.keys()


@pytest.mark.parametrize("rule", REFUSED)
def test_forms_that_citus_refuses_break_their_rule(rule: str) -> None:
    assert broken_by(REFUSED[rule]) == {rule}


def test_tables_of_names_and_of_members_are_never_joined() -> None:
    joined = "SELECT 1 FROM business_references r JOIN entries e ON e.holder_id = r.holder_id WHERE r.reference = %b"
    assert broken_by(joined) == {"joins across shards"}


@pytest.fixture
def tenant(cluster: Any, template: str) -> Iterator[Tenant]:
    with open_service(cluster, template) as service:
        yield service.tenant("shop")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The statements that postings send from now on."""
    found: set[str] = set()
    execute = psycopg.Cursor.execute

    def noted(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if _within_a_posting():
            found.add(query)
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return found


def post_widely(tenant: Tenant) -> None:
    with_history(tenant)
    with_holds(tenant, "m-1")
    tenant.post(
        "/v1/transfers", {"from_member_id": "m-1", "to_member_id": "m-2", "points": 5, "reference": "t-1"}
    )


def test_a_posting_sends_no_statement_that_is_not_looked_at(tenant: Tenant, sent: set[str]) -> None:
    post_widely(tenant)
    looked_at = statements()
    assert sent <= set(looked_at.values())
    # The workload is wide enough to be worth listening to.
    assert len(sent) > 12
    assert {
        looked_at["ledger.journal.locks._LOCK"],
        looked_at["ledger.journal.write._INSERT_OUTCOMES"],
    } <= sent


@pytest.fixture
def of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the connections made from now on are told where they ask what they are of."""
    monkeypatch.setattr(locks, "_IS_CLUSTER", "SELECT true")


def test_a_cluster_is_sent_nothing_that_it_refuses(
    of_a_cluster: None, tenant: Tenant, sent: set[str]
) -> None:
    post_widely(tenant)
    assert not {name for name in sent if broken_by(name)}
    assert {locks._LOCK_ON_CLUSTER, locks._LOOK_ROWS_UP_ON_CLUSTER} <= sent


def test_the_story_is_the_same_in_the_forms_of_a_cluster(
    of_a_cluster: None, cluster: Any, template: str
) -> None:
    with open_service(cluster, template) as service:
        application = Database(cluster.app_url(service.database))
        try:
            tell(service, application)
        finally:
            application.close()


def test_holders_are_locked_one_by_one_in_the_order_of_their_ids(
    of_a_cluster: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[bytes] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: Any, query: Any, parameters: Any = None, **options: Any) -> Any:
        if query == locks._LOCK_ON_CLUSTER:
            locked.append(parameters[0].bytes)
        return execute(cursor, query, parameters, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    operations = [
        {
            "operation": "earning",
            "idempotency_key": f"k-{n}",
            "body": {"member_id": f"m-{n}", "points": 5, "reason": "a test", "reference": f"e-{n}"},
        }
        for n in range(20)
    ]
    without = {"Idempotency-Key": None}
    answer = tenant.send("POST", "/v1/batches", json={"operations": operations}, headers=without)
    assert {result["status"] for result in answer.json["results"]} == {201}
    assert len(locked) == 20
    assert locked == sorted(locked)


def _within_a_posting() -> bool:
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_filename.endswith("ledger/journal/post.py"):
            return True
    return False
