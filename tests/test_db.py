"""How the database's own refusals are told to callers."""

import pytest
from sqlalchemy import text

from ledger.db import Database
from ledger.errors import DatabaseUnavailable
from tests.conftest import TestDatabase


@pytest.mark.parametrize("state", ["53000", "53100", "53200", "53300", "53400"])
def test_a_server_without_room_is_unavailable_and_the_request_may_be_sent_again(
    fresh_database: TestDatabase, state: str
) -> None:
    database = Database(fresh_database.app_url)
    statement = text(f"DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '{state}'; END $$")
    with pytest.raises(DatabaseUnavailable) as raised:
        database.run(lambda connection: connection.execute(statement))
    assert raised.value.retryable
    database.close()
