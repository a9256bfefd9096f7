"""Rate limits: how many requests a caller may send in a minute, counted by all workers together.

Workers take places from a count in the database, a share of the limit at a time, and give them out by themselves; so
most requests cost no query, and what two workers let through together is the limit, or less by what one of them has
taken and not given out. Windows are whole minutes of the system's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from ledger.access.principals import Principal
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import TooManyRequests, Unavailable
from ledger.recent import Recent

WINDOW: Final = timedelta(minutes=1)
SHARES: Final = 20
"""A worker takes a twentieth of a limit at a time."""

KEPT: Final = 10_000
"""Callers whose places a worker keeps in mind. Those who came longest ago are forgotten: the database counts them."""

_TAKE = text("""
INSERT INTO rate_counts (subject, begins_at, taken) VALUES (:subject, :begins_at, :places)
    ON CONFLICT (subject, begins_at) DO UPDATE SET taken = rate_counts.taken + EXCLUDED.taken
RETURNING taken
""")

_SWEEP = text("DELETE FROM rate_counts WHERE begins_at < :before")


class Policy(NamedTuple):
    """So many requests in a window, by each caller of a kind."""

    name: str
    quota: int


class Standing(NamedTuple):
    """What a caller has left of a policy, as far as this worker knows, and for how many seconds that is so."""

    policy: Policy
    remaining: int
    seconds: int

    def fields(self) -> dict[str, str]:
        """The header fields of draft-ietf-httpapi-ratelimit-headers-10."""
        name, quota = self.policy
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={int(WINDOW.total_seconds())}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.seconds}',
        }


@dataclass(slots=True)
class _Places:
    begins_at: datetime
    left: int = 0
    elsewhere: int = 0
    """Places that nobody had taken when this worker took its last ones."""
    is_exhausted: bool = False


Counter = Callable[[str, datetime, int], int]
"""Takes places of a subject in a window, and answers how many are taken by then."""


class Limiter:
    """Gives out places to callers. Thread-safe; ``count`` is asked outside of its lock."""

    def __init__(self, count: Counter) -> None:
        self._count = count
        self._places: Recent[tuple[str, str], _Places] = Recent(KEPT)
        self._mutex = Lock()

    def take(self, policy: Policy, subject: str, now: datetime) -> Standing:
        """One place for a caller; TooManyRequests where none is left until the window ends.

        Raises what ``count`` raises, and has let nobody through then.
        """
        begins_at = now.replace(second=0, microsecond=0)
        seconds = int((begins_at + WINDOW - now).total_seconds()) + 1
        with self._mutex:
            places = self._find(policy, subject, begins_at)
            if places.left:
                places.left -= 1
                return Standing(policy, places.left + places.elsewhere, seconds)
            is_exhausted = places.is_exhausted
        share = max(1, policy.quota // SHARES)
        taken = 0 if is_exhausted else self._count(f"{policy.name}:{subject}", begins_at, share)
        got = 0 if is_exhausted else min(share, policy.quota - (taken - share))
        with self._mutex:
            places = self._find(policy, subject, begins_at)
            if got <= 0:
                places.is_exhausted = True
                raise _refusal(Standing(policy, 0, seconds))
            places.left += got - 1
            places.elsewhere = max(0, policy.quota - taken)
            return Standing(policy, places.left + places.elsewhere, seconds)

    def _find(self, policy: Policy, subject: str, begins_at: datetime) -> _Places:
        key = (policy.name, subject)
        places = self._places.get(key)
        if places is None or places.begins_at != begins_at:
            places = _Places(begins_at)
        self._places.put(key, places)
        return places


class RateLimits:
    """The limits of one service: for each key, for tokens of each member, and for those who are nobody."""

    def __init__(self, limiter: Limiter, key: int | None, member: int, failure: int) -> None:
        self._limiter = limiter
        self._key = Policy("key", key) if key is not None else None
        self._member = Policy("member", member)
        self._failure = Policy("failure", failure)

    def admit(self, principal: Principal, now: datetime) -> Standing | None:
        """One request of a principal; TooManyRequests where he has sent his share. None where nothing limits him.

        What the database cannot count is let through: whatever needs it is refused by itself.
        """
        member = principal.member_id
        if member is not None:
            return self._take(self._member, f"{principal.program.program_id}:{member}", now)
        return self._take(self._key, principal.key_id, now) if self._key is not None else None

    def note_failure(self, address: str, now: datetime) -> None:
        """One request from an address without a valid key or token; TooManyRequests where there were many."""
        self._take(self._failure, address, now)

    def _take(self, policy: Policy, subject: str, now: datetime) -> Standing | None:
        try:
            return self._limiter.take(policy, subject, now)
        except Unavailable:
            return None


def rate_limits(settings: Settings, database: Database) -> RateLimits:
    """The limits that the settings name, counted in the database."""

    def count(subject: str, begins_at: datetime, places: int) -> int:
        return database.run(lambda connection: take_places(connection, subject, begins_at, places))

    return RateLimits(Limiter(count), settings.key_rate, settings.member_rate, settings.failure_rate)


def take_places(connection: Connection, subject: str, begins_at: datetime, places: int) -> int:
    """Take places of a subject in a window; how many are taken with these. Locks the subject's row."""
    taken: int = connection.execute(
        _TAKE, {"subject": subject, "begins_at": begins_at, "places": places}
    ).scalar_one()
    return taken


def forget_counts(connection: Connection, now: datetime) -> None:
    """Delete the counts of windows that have ended."""
    connection.execute(_SWEEP, {"before": now - 2 * WINDOW})


def _refusal(standing: Standing) -> TooManyRequests:
    policy = standing.policy
    return TooManyRequests(
        f"no more than {policy.quota} requests a minute; try again in {standing.seconds} s",
        policy=policy.name,
        limit=policy.quota,
        retry_after=standing.seconds,
    )
