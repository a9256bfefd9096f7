"""Rate limits: every caller has his share of a minute, whichever worker he meets, and is told how much is left."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import clock
from ledger.access.rate_limits import SHARES, Limiter, Policy, RateLimits, forget_counts, take_places
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import DatabaseUnavailable, TooManyRequests
from tests.conftest import TestDatabase
from tests.member_tokens import Identity, write_keys
from tests.profiles import examples
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

NOW = datetime(2026, 5, 1, 12, 0, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Counts:
    """The count that workers share, in memory; how often it was asked."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, datetime]] = Counter()
        self.asked = 0

    def __call__(self, subject: str, begins_at: datetime, places: int) -> int:
        self.asked += 1
        self.taken[subject, begins_at] += places
        return self.taken[subject, begins_at]


def let_through(limiter: Limiter, policy: Policy, times: int, now: datetime = NOW, who: str = "k") -> int:
    """How many of so many requests are let through."""
    found = 0
    for _ in range(times):
        try:
            limiter.take(policy, who, now)
        except TooManyRequests:
            continue
        found += 1
    return found


@pytest.mark.parametrize("quota", [1, 2, 19, 20, 21, 100, 1_000])
def test_a_caller_has_his_quota_and_one_more_is_refused(quota: int) -> None:
    limiter, policy = Limiter(Counts()), Policy("key", quota)
    assert let_through(limiter, policy, quota + 5) == quota
    assert let_through(limiter, policy, 1, NOW + timedelta(seconds=39)) == 0
    assert let_through(limiter, policy, quota + 5, NOW + timedelta(seconds=40)) == quota


def test_every_caller_and_every_policy_has_a_share_of_its_own() -> None:
    limiter, one, two = Limiter(Counts()), Policy("key", 3), Policy("member", 3)
    assert let_through(limiter, one, 9, who="a") == 3
    assert let_through(limiter, one, 9, who="b") == 3
    assert let_through(limiter, two, 9, who="a") == 3


@examples(200)
@given(st.integers(1, 200), st.lists(st.integers(0, 3), max_size=400))
def test_workers_together_never_let_more_through_and_lose_only_what_one_of_them_keeps(
    quota: int, arrivals: list[int]
) -> None:
    counts, policy = Counts(), Policy("key", quota)
    workers = [Limiter(counts) for _ in range(4)]
    passed = sum(let_through(workers[worker], policy, 1) for worker in arrivals)
    share = max(1, quota // SHARES)
    assert passed <= quota
    assert passed >= min(len(arrivals), quota - 3 * (share - 1))


def test_most_requests_ask_nothing_of_the_count() -> None:
    counts = Counts()
    let_through(Limiter(counts), Policy("key", 1_000), 1_000)
    assert counts.asked == SHARES


def test_whoever_has_sent_his_share_costs_no_further_question() -> None:
    counts = Counts()
    limiter, policy = Limiter(counts), Policy("key", 5)
    let_through(limiter, policy, 6)
    asked = counts.asked
    assert let_through(limiter, policy, 50) == 0
    assert counts.asked == asked


def test_a_refusal_says_when_to_come_back() -> None:
    limiter, policy = Limiter(Counts()), Policy("key", 1)
    limiter.take(policy, "k", NOW)
    with pytest.raises(TooManyRequests) as caught:
        limiter.take(policy, "k", NOW)
    assert caught.value.details == {"policy": "key", "limit": 1, "retry_after": 41}


def test_what_is_left_is_told_in_the_fields_of_the_draft() -> None:
    limiter, policy = Limiter(Counts()), Policy("key", 100)
    told = [limiter.take(policy, "k", NOW).fields() for _ in range(7)]
    assert told[0] == {"RateLimit-Policy": '"key";q=100;w=60', "RateLimit": '"key";r=99;t=41'}
    assert [each["RateLimit"].split(";")[1] for each in told] == [f"r={99 - n}" for n in range(7)]


def test_what_cannot_be_counted_is_let_through(database: Database) -> None:
    def away(*_: Any) -> int:
        raise DatabaseUnavailable("the database cannot be reached")

    limits = RateLimits(Limiter(away), 1, 1, 1)
    for _ in range(3):
        limits.note_failure("10.0.0.1", NOW)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url, pool_size=4)
    yield opened
    opened.close()


def test_places_are_counted_once_each_however_many_take_them(database: Database) -> None:
    def take(_: int) -> int:
        return database.run(lambda connection: take_places(connection, "key:k", NOW, 5))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(20))) == [5 * n for n in range(1, 21)]


def test_counts_of_minutes_that_have_ended_are_forgotten(database: Database) -> None:
    for ago in range(4):
        database.run(lambda connection, ago=ago: take_places(connection, "key:k", NOW - ago * MINUTE, 5))  # type: ignore[misc]
    database.run(lambda connection: forget_counts(connection, NOW))
    taken = [
        database.run(lambda connection, ago=ago: take_places(connection, "key:k", NOW - ago * MINUTE, 5))  # type: ignore[misc]
        for ago in range(4)
    ]
    assert taken == [10, 10, 10, 5]


class Limited:
    """Two workers' applications on one database, with small limits, and a clock that stands still."""

    def __init__(self, service: WholeService, databases: list[Database], path: Path) -> None:
        self.now = clock.system_now().replace(second=10, microsecond=0)
        self.identity = Identity("shop", self.now)
        settings = Settings(
            member_keys_file=write_keys(path, self.identity.trusted()),
            key_rate=8,
            member_rate=5,
            failure_rate=6,
        )
        self.tenant: Tenant = service.tenant("shop")
        self.apps = [create_app(settings, database, lambda: self.now) for database in databases]
        self.tenant.app = self.apps[0]

    def ask(
        self, worker: int, credential: str, path: str = "/v1/members/m-1/balance", **arguments: Any
    ) -> Any:
        headers = {"Authorization": f"Bearer {credential}"}
        return self.apps[worker].test_client().get(path, headers=headers, **arguments)


@pytest.fixture
def limited(cluster: Any, template: str, tmp_path: Path) -> Iterator[Limited]:
    with open_service(cluster, template) as service:
        databases = [Database(cluster.app_url(service.database), pool_size=2) for _ in range(2)]
        try:
            yield Limited(service, databases, tmp_path / "keys")
        finally:
            for each in databases:
                each.close()


def test_two_workers_count_one_key_together(limited: Limited) -> None:
    key = limited.tenant.keys["readonly"]
    answers = [limited.ask(number % 2, key, "/v1/program") for number in range(12)]
    assert Counter(answer.status_code for answer in answers) == {200: 8, 429: 4}
    refused = answers[-1]
    assert (refused.json["code"], refused.json["retryable"]) == ("rate_limited", True)
    assert refused.headers["Retry-After"] == str(refused.json["retry_after"]) == "51"
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=8;w=60'
    # Another key has its own.
    assert limited.ask(0, limited.tenant.keys["finance"], "/v1/program").status_code == 200
    limited.now += timedelta(seconds=50)
    assert limited.ask(0, key, "/v1/program").status_code == 200


def test_a_posting_beyond_the_limit_is_refused_before_anything_is_done(limited: Limited) -> None:
    for number in range(8):
        limited.tenant.post("/v1/purchases", purchase_of("m-1", f"p-{number}"), role="pos")
    late = limited.tenant.send("POST", "/v1/purchases", role="pos", json=purchase_of("m-1", "p-8"))
    assert (late.status_code, late.json["code"]) == (429, "rate_limited")
    limited.now += MINUTE
    assert limited.ask(0, limited.tenant.keys["readonly"]).json["account_version"] == 8
    # It may be sent again.
    assert (
        limited.tenant.send("POST", "/v1/purchases", role="pos", json=purchase_of("m-1", "p-8")).status_code
        == 201
    )


def test_tokens_of_one_member_share_what_he_may_send(limited: Limited) -> None:
    limited.tenant.post("/v1/purchases", purchase_of("m-1", "p-1"))
    limited.tenant.post("/v1/purchases", purchase_of("m-2", "p-2"))
    tokens = [limited.identity.token("m-1", jti=str(number)) for number in range(3)]
    answers = [limited.ask(number % 2, tokens[number % 3]) for number in range(8)]
    assert Counter(answer.status_code for answer in answers) == {200: 5, 429: 3}
    other = limited.ask(0, limited.identity.token("m-2"), "/v1/members/m-2/balance")
    assert other.status_code == 200
    assert other.headers["RateLimit"] == '"member";r=4;t=51'


def test_a_burst_of_failures_is_slowed_down_and_a_valid_key_is_not(limited: Limited) -> None:
    wrong = "lk_000000000000_nothing"
    statuses = [limited.ask(number % 2, wrong).status_code for number in range(9)]
    assert statuses == [401] * 6 + [429] * 3
    assert limited.ask(0, limited.identity.token("m-1", aud="another")).status_code == 429
    assert limited.ask(0, limited.tenant.keys["readonly"], "/v1/program").status_code == 200
