"""The same machine on PostgreSQL: what SQL loads and writes is what the pure core decided on."""

from itertools import count
from typing import Any

from ledger.db import Database
from ledger.finance.verify import CHECKS, verify
from tests.conftest import TestDatabase
from tests.model.driver import Driver
from tests.model.postgres import PostgresDriver
from tests.properties.machine import START, run


def test_any_sequence_of_commands_does_on_postgres_what_the_model_says(fresh_database: TestDatabase) -> None:
    database = Database(fresh_database.app_url)
    numbers = count(1)

    def make_driver(terms: dict[str, Any], zone: str) -> Driver:
        # A program each: holders are derived from it, so nothing of another example is in sight.
        return PostgresDriver.create(database, f"program-{next(numbers)}", START, timezone=zone, terms=terms)

    try:
        run(make_driver, examples=25, steps=30)
        # What the operator would run says the same of all that the machine has left behind; but that nobody has
        # approved the adjustments, which the machine posts by itself.
        checks = [check for check in CHECKS if check.name != "adjustments"]
        with database.read() as connection:
            findings = list(verify(connection, checks=checks))
        assert [finding.told() for finding in findings if not finding.is_sound] == []
        assert sum(sum(finding.examined.values()) for finding in findings) > 0
    finally:
        database.close()
