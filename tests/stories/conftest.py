"""One database for all stories, and a program of its own for each."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection

from ledger.access.approvals import approve
from ledger.access.principals import Principal
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.db import Database
from ledger.finance.verify import verify
from ledger.ids import show as show_id
from ledger.rules.register import KIND, activate_approved, propose_activation, save
from tests.builders import NOW, Bench, terms
from tests.conftest import Cluster
from tests.model.postgres import PostgresDriver
from tests.rulesets import RuleForm

_numbers = count(1)

OpenBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def story_database(cluster: Cluster, template: str) -> Iterator[Database]:
    name = f"ledger_test_stories_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template=template)
    database = Database(cluster.app_url(name))
    try:
        yield database
        # All stories told, the operator's own check finds nothing to say.
        with database.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []
    finally:
        database.close()
        cluster.drop_database(name)


def put_in_force(program: Program, owner: str, content: dict[str, Any], connection: Connection) -> Program:
    """Version 1 of an owner's rules: saved, proposed and approved. The program as it is then."""
    maker, checker = (Principal(key_id, program, "admin", frozenset()) for key_id in ("maker", "checker"))
    save(connection, program, owner, content, by=maker, now=NOW)
    proposal = propose_activation(connection, program, owner, 1, None, by=maker, now=NOW)
    approval_id = show_id("apr", proposal.approval_id)
    approve(connection, program, {KIND: activate_approved}, approval_id, by=checker, now=NOW)
    found = find_program(connection, program.name)
    assert found is not None
    return found


@pytest.fixture
def open_bench(story_database: Database) -> OpenBench:
    """A bench on a new program in PostgreSQL: its time zone, its rules if not the rates of the terms alone, and
    what differs from the default terms."""

    def open_one(
        timezone: str = "Asia/Shanghai", *, rules: Mapping[str, Sequence[RuleForm]] = {}, **changes: Any
    ) -> Bench:
        driver = PostgresDriver.create(
            story_database, f"story-{next(_numbers)}", NOW, timezone=timezone, terms=terms(**changes)
        )
        for owner, forms in rules.items():
            driver.program = story_database.run(
                partial(put_in_force, driver.program, owner, {"rules": forms})
            )
        return Bench(driver)

    return open_one
