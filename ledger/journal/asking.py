"""How the journal speaks to the driver: statements under way, binary both ways, on the batch's transaction."""

from collections.abc import Iterable
from typing import Any, LiteralString

import psycopg
from psycopg import Cursor
from sqlalchemy import Connection

from ledger.journal import wire

Driver = psycopg.Connection[tuple[Any, ...]]
Row = tuple[Any, ...]


def driver_of(connection: Connection) -> Driver:
    """The driver's connection, on the same transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def driver_cursor(connection: Connection) -> Cursor[Any]:
    """A cursor of the driver on the connection's transaction: binary both ways, prepared when repeated."""
    return driver_of(connection).cursor(binary=True)


def ask(driver: Driver, statement: LiteralString, *parameters: Any) -> Cursor[Any]:
    """A statement under way, with its rows to come. Within a pipeline they are there when it ends."""
    return driver.cursor(binary=True).execute(statement, parameters)


def uuids(identifiers: Iterable[bytes]) -> wire.Uuids:
    return wire.Uuids.of_values(list(identifiers))
