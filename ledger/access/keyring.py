"""Keys that were looked up a moment ago, so that a caller who posts again costs no query.

What is remembered may have been revoked since. Whoever acts on it lets the database compare the program's stamp,
which a revocation changes, in the same transaction (``StaleProgramError``), and looks the key up again when it differs.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final, NamedTuple

from ledger.access.principals import Principal
from ledger.recent import Recent

KEPT: Final = 1_024
MOST_AGE: Final = timedelta(seconds=10)
"""A bound for those who never act: they would go on being refused in the words of a key that is no more."""


class _Known(NamedTuple):
    principal: Principal
    until: datetime


class Keyring:
    """Principals by the digest of the header that they came with; the key itself is not kept."""

    def __init__(self) -> None:
        self._known: Recent[bytes, _Known] = Recent(KEPT)
        self._mutex = Lock()

    def find(self, header: str | None, now: datetime) -> Principal | None:
        """The principal of a header, where it was looked up lately."""
        if header is None or (known := self._known.get(_digest(header))) is None:
            return None
        return known.principal if now < known.until else None

    def keep(self, header: str | None, principal: Principal, now: datetime) -> None:
        """Remember what was looked up."""
        if header is None:
            return
        until = now + MOST_AGE
        if principal.expires_at is not None:
            until = min(until, principal.expires_at)
        with self._mutex:
            self._known.put(_digest(header), _Known(principal, until))


def _digest(header: str) -> bytes:
    return sha256(header.encode("latin-1", "replace")).digest()
