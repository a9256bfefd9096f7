"""When each key was used last, to ten minutes or so: noted by each worker once in that time, and no oftener."""

import logging
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import Connection, text

from ledger.db import Database
from ledger.recent import Recent

PRECISION: Final = timedelta(minutes=10)
KEPT: Final = 10_000
"""Keys that a worker keeps in mind. Those that came longest ago are noted again."""

_NOTE: Final = text("""
INSERT INTO key_uses (key_id, last_used_at) VALUES (:key_id, :now)
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = EXCLUDED.last_used_at
    WHERE key_uses.last_used_at < EXCLUDED.last_used_at
""")

_log = logging.getLogger(__name__)


class KeyUses:
    """Notes uses. Thread-safe; a database that fails keeps nobody from his answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due: Recent[str, datetime] = Recent(KEPT)
        self._mutex = Lock()

    def note(self, key_id: str, now: datetime) -> None:
        """Note that a key is used, unless it has been noted lately. Locks the row of its uses."""
        with self._mutex:
            due = self._due.get(key_id)
            if due is not None and now < due:
                return
            self._due.put(key_id, now + PRECISION)
        try:
            self._database.run(lambda connection: note_use(connection, key_id, now))
        except Exception:  # noqa: BLE001  whoever may ask is answered, whatever becomes of the note
            _log.warning("the use of key %s was not noted", key_id, exc_info=True)


def note_use(connection: Connection, key_id: str, now: datetime) -> None:
    """Note that a key is used; never an earlier time than is there."""
    connection.execute(_NOTE, {"key_id": key_id, "now": now})
