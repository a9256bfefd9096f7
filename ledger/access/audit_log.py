"""The audit log: who has done what, and who was denied what. It is only ever added to, and holds no body and no header.

- A posting is told by its outcome, which is written with it and says who sent it (``ledger.journal.outcomes``).
- Every other call that changes something leaves a row in the very unit of work that it changes it in.
- A denial leaves a row in a unit of its own, once it is certain. What can be repeated without end and costs nothing
  (no valid key, a frozen one, too many requests, operations of a batch) leaves one at the 1st, 10th, 100th, ... time in
  a minute, as each worker counts, so that nobody fills the log by being refused.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from hashlib import sha256
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, insert, select

from ledger.access.models import audit_events
from ledger.access.principals import Principal
from ledger.clock import show
from ledger.db import Database
from ledger.errors import (
    Forbidden,
    LedgerError,
    MemberUnknown,
    OtherRegion,
    SelfApproval,
    SelfReview,
    TooManyRequests,
    Unauthenticated,
)
from ledger.ids import new_entry_id
from ledger.recent import Recent

NOBODY: Final = 0
"""The program of whoever has not said who he is."""

OWNER: Final = "owner"
"""Who stands in the log for whoever has the owner's login, such as `ledger keys`."""

MOST_SUBJECT: Final = 512
"""Characters of an address that are kept; no sound one of ours is as long."""

KEPT: Final = 10_000
"""Callers whose denials a worker counts. Those who came longest ago begin anew."""

MOST_OF_NOBODY: Final = 100
"""Rows of nobody's that a worker writes in a minute, from however many addresses they come."""

_DENIALS: Final = (Unauthenticated, Forbidden, OtherRegion, SelfApproval, SelfReview, TooManyRequests)

_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What a call asks for: the name of its route, its address, and the id of the request."""

    action: str
    subject: str
    request_id: str


class Denial(NamedTuple):
    """Who was denied what, and how. Without a principal, from which address it came."""

    asked: Asked
    status: int
    code: str
    principal: Principal | None
    address: str | None = None
    is_repeatable: bool = False
    """Whether it is counted rather than written each time."""


def record_deed(
    connection: Connection, principal: Principal, asked: Asked, status: int, result: object, now: datetime
) -> None:
    """Write down what a call has done, in the unit of work that does it.

    ``before_hash`` is the ``after_hash`` of the last call to the same address.
    """
    before = connection.execute(
        select(audit_events.c.after_hash)
        .where(
            audit_events.c.program_id == principal.program.program_id,
            audit_events.c.subject == asked.subject[:MOST_SUBJECT],
            audit_events.c.code.is_(None),
        )
        .order_by(audit_events.c.recorded_at.desc(), audit_events.c.event_id.desc())
        .limit(1)
    ).scalar_one_or_none()
    _write(
        connection,
        principal,
        asked,
        now,
        status=status,
        before_hash=before,
        after_hash=digest_of_result(result),
    )


def record_owner(connection: Connection, program_id: int, action: str, key_id: str, now: datetime) -> None:
    """Write down what the owner of the database has done to a key, in the unit of work that does it."""
    _insert(
        connection,
        now,
        {"program_id": program_id, "principal": OWNER, "role": OWNER},
        action=action,
        subject=f"keys/{key_id}",
        request_id="",
        status=200,
    )


def digest_of_result(result: object) -> bytes | None:
    """SHA-256 of what came of a call: of its answer's JSON with members in order, where that is what came of it.

    None where it has no form in JSON.
    """
    made = result[0] if isinstance(result, tuple) and result else result
    told = made.shown() if hasattr(made, "shown") else made
    try:
        text = orjson.dumps(
            told, default=_outside, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
        )
    except TypeError:
        return None
    return sha256(text).digest()


def is_denial(error: LedgerError, principal: Principal | None) -> bool:
    """Whether a refusal denies the caller what is not his, rather than tell him that it cannot be done.

    A member who asks for another's is told that nobody is there: that is one too.
    """
    if isinstance(error, MemberUnknown) and principal is not None and principal.member_id is not None:
        return error.details.get("member_id") != principal.member_id
    return isinstance(error, _DENIALS)


class Denials:
    """Writes denials down. Thread-safe; a database that fails keeps nobody from his answer."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._counts: Recent[tuple[str, ...], tuple[datetime, int]] = Recent(KEPT)
        self._mutex = Lock()

    def note(self, denial: Denial) -> None:
        """Write a denial down, or count it."""
        now = self._clock()
        times = self._count(denial, now) if denial.is_repeatable else 1
        if times is None:
            return
        asked, principal = denial.asked, denial.principal
        recorded_at = now if principal is None else principal.program.now(now)
        told = {"status": denial.status, "code": denial.code, "address": denial.address, "times": times}
        try:
            self._database.run(lambda connection: _write(connection, principal, asked, recorded_at, **told))
        except Exception:  # noqa: BLE001  whoever is refused is refused, whatever becomes of the log
            _log.warning("the denial of request %s is not in the audit log", asked.request_id, exc_info=True)

    def _count(self, denial: Denial, now: datetime) -> int | None:
        """How often it has come in this minute, where that is to be written."""
        minute = now.replace(second=0, microsecond=0)
        principal = denial.principal
        with self._mutex:
            if principal is not None:
                who = (principal.key_id, principal.member_id or "", denial.asked.action, denial.code)
                times = self._next(who, minute)
                return times if _is_power_of_ten(times) else None
            times = self._next((denial.address or "",), minute)
            if not _is_power_of_ten(times):
                return None
            return times if self._next((), minute) <= MOST_OF_NOBODY else None

    def _next(self, key: tuple[str, ...], minute: datetime) -> int:
        begun, times = self._counts.get(key) or (minute, 0)
        times = times + 1 if begun == minute else 1
        self._counts.put(key, (minute, times))
        return times


def _write(
    connection: Connection, principal: Principal | None, asked: Asked, now: datetime, **told: Any
) -> None:
    who: dict[str, Any] = {"program_id": NOBODY}
    if principal is not None:
        who = {
            "program_id": principal.program.program_id,
            "principal": principal.key_id,
            "role": principal.role,
            "member_id": principal.member_id,
        }
    _insert(connection, now, who, **asked._asdict(), **told)


def _insert(connection: Connection, now: datetime, who: dict[str, Any], *, subject: str, **told: Any) -> None:
    row = {"times": 1, **who, **told, "subject": subject[:MOST_SUBJECT]}
    connection.execute(
        insert(audit_events).values(event_id=UUID(bytes=new_entry_id()), recorded_at=now, **row)
    )


def _is_power_of_ten(number: int) -> bool:
    return str(number).strip("0") == "1"


def _outside(value: Any) -> Any:
    if isinstance(value, datetime):
        return show(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value)
