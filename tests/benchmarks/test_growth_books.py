"""Books that the growth benchmark makes are books: every check of ``ledger verify`` accepts them, chains and all."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from benchmarks.growth_books import ENTRIES_PER_MEMBER, Slice, make_slice
from benchmarks.growth_copy import rebuild_indexes, rest_indexes, unguarded
from ledger.accounts.programs import create_program
from ledger.accounts.queries import read_balance
from ledger.clock import system_now
from ledger.db import Database
from ledger.finance.verify import verify
from ledger.rules.terms import DEFAULT_TERMS
from tests.conftest import EmbeddedCluster

ENTRIES = 4_000


@pytest.mark.parametrize("twins", [1, 10])
def test_made_books_verify_and_their_members_are_found_by_name(
    cluster: Any, fresh_database: Any, monkeypatch: pytest.MonkeyPatch, twins: int
) -> None:
    if not isinstance(cluster, EmbeddedCluster):
        pytest.skip("the maker needs a superuser")
    url = cluster.server.url(fresh_database.name, "postgres")
    now = system_now()
    since = now - timedelta(days=30)
    database = Database(url, role=None)
    program = database.run(
        partial(
            create_program,
            name="default",
            currency="CNY",
            timezone="Asia/Shanghai",
            terms=DEFAULT_TERMS,
            now=since,
        )
    )
    part = Slice(url, "g", ENTRIES, since, now, twins=twins)
    with unguarded(url) as administrator:
        rest_indexes(administrator)
        make_slice(part, processes=2)
        rebuild_indexes(administrator)
    with database.read() as connection:
        findings = list(verify(connection))
        assert [finding for finding in findings if finding.faults] == []
        chain = next(finding for finding in findings if finding.check == "chain")
        assert chain.examined["entries"] == ENTRIES
        names = connection.exec_driver_sql("SELECT member_id FROM holders ORDER BY 1").scalars().all()
        assert ENTRIES // ENTRIES_PER_MEMBER >= len(names) > ENTRIES // ENTRIES_PER_MEMBER * 0.9
        for name in (names[0], names[-1]):
            assert read_balance(connection, program, name, now)["account_version"] > 0
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid").scalar_one() == 0
        )
    database.close()
