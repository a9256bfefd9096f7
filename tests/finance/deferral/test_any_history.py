"""The book over random histories: as another hand keeps it, whatever the totals have, and as a replay of the prefix."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from ledger.finance.deferral.allocation import show_allocation
from tests.finance.deferral.keeping import go_on, live
from tests.finance.deferral.oracle import Books
from tests.finance.reporting import bytes_of, report_of, total_anew, total_up
from tests.finance.test_reports_of_any_history import forget
from tests.till import START, Till, new_program, open_till

ROLLED = (
    ("deferred", 1),
    ("released_on_redemption", -1),
    ("released_on_expiry", -1),
    ("estimate_trueup", 1),
    ("issue_reversals", -1),
    ("transaction_price_changes", 1),
    ("revalued", 1),
)


def some_times(till: Till, random: Random, number: int) -> Iterator[tuple[datetime, datetime]]:
    """When it happened, and as it was known; the present first."""
    yield till.now, till.now
    hours = int((till.now - START) / timedelta(hours=1))
    for _ in range(number):
        known = START + timedelta(hours=random.randrange(hours))
        yield START + timedelta(hours=random.randrange(int((known - START) / timedelta(hours=1)) + 1)), known


@pytest.mark.parametrize("seed", range(31, 39))
def test_the_book_is_what_another_hand_makes_of_the_rows(till: Till, seed: int) -> None:
    live(till, seed, chapters=7)
    for as_of, known in some_times(till, Random(seed), 4):
        judge(till, as_of, known)


def judge(till: Till, as_of: datetime, known: datetime) -> None:
    books = Books(till, as_of, known)
    report = report_of(till, "deferral", end=as_of, known_as_of=known)
    assert report["difference"] == 0
    told = {(each["cohort"], each["pool"]): each for each in report["cohorts"]}
    assert told.keys() == {key for key, cohort in books.cohorts.items() if is_known(cohort)} or not told
    for key, shown in told.items():
        cohort = books.cohorts[key]
        method, _ = books.kind_of(key, known)
        expected: dict[str, Any] = {
            "issued": cohort.issued - cohort.clawed,
            "redeemed": cohort.redeemed,
            "outstanding": cohort.left,
            "price": cohort.price,
            "allocated": cohort.allocation,
            "method": method,
            "closing": books.liability(key, known),
        }
        if method.startswith("deferral"):
            on_redemption, trueup = books.released_and_trued_up(key)
            expected |= {
                "deferred": cohort.allocated,
                "issue_reversals": cohort.reversed,
                "transaction_price_changes": -cohort.price_changed,
                "released_on_redemption": on_redemption,
                "estimate_trueup": trueup,
                "revalued": 0,
            }
        assert {name: shown[name] for name in expected} == expected, (key, as_of, known)
        assert shown["opening"] + sum(sign * shown[name] for name, sign in ROLLED) == shown["closing"]
    liability = report_of(till, "liability", as_of=as_of, known_as_of=known)
    assert liability["difference"] == 0
    assert liability["book_liability"] == report["closing"] == sum(each["closing"] for each in told.values())


def is_known(cohort: Any) -> bool:
    return any((cohort.issued, cohort.redeemed, cohort.left, cohort.clawed, cohort.price))


@pytest.mark.parametrize("seed", [44, 45])
def test_the_proofs_of_the_purchases_add_up_to_their_cohorts(till: Till, seed: int) -> None:
    history = live(till, seed, chapters=6)
    books = Books(till, till.now, till.now)
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    with till.reading() as connection:
        for purchase in {each["purchase_id"] for each in history.purchases}:
            proof = show_allocation(connection, till.program, purchase, till.now)
            entry = next(each for each in books.entries.values() if each["reference"] == purchase)
            assert books.allocation(entry) == tuple(
                proof[name] for name in ("method", "price", "points", "allocated")
            )
            assert proof["allocated"] + proof["allocated_to_goods"] == proof["price"]
            if proof["points"]:
                sums[proof["cohort"]].update(proof["remaining"])
    told = {each["cohort"]: each for each in report_of(till, "deferral")["cohorts"] if each["pool"] == "sale"}
    assert {month: (each["allocated"], each["price"]) for month, each in told.items()} == {
        month: (found["allocated"], found["price"]) for month, found in sums.items()
    }


@pytest.mark.parametrize("seed", [41, 42, 43])
def test_nothing_that_is_kept_beside_the_books_changes_a_byte(till: Till, seed: int) -> None:
    history, random = live(till, seed, chapters=4), Random(seed)
    total_up(till)
    go_on(history, random, 2)
    asked = list(some_times(till, random, 5))
    partly = shown(till, asked)
    for change in (total_up, forget, total_anew):
        change(till)
        assert shown(till, asked) == partly, change


@pytest.mark.parametrize("seed", [51, 52])
def test_a_report_as_of_then_is_what_a_replay_of_the_prefix_shows(
    till: Till, fresh_database: Any, cluster: Any, template: str, seed: int
) -> None:
    """The same events in another database, up to a moment and no further."""
    name = f"{fresh_database.name}_prefix"
    cluster.create_database(name, template=template)
    try:
        with open_till(cluster.app_url(name)) as replay:
            live(replay, seed, chapters=4)
            random = Random(seed)
            history = live(till, seed, chapters=4)
            known = till.now
            assert known == replay.now
            till.at(till.now + timedelta(seconds=1))
            go_on(history, random, 2)
            asked = [(as_of, known) for as_of, _ in some_times(replay, random, 6)]
            assert shown(till, asked) == shown(replay, asked)
            total_up(till)
            assert shown(till, asked) == shown(replay, asked)
    finally:
        cluster.drop_database(name)


@pytest.mark.parametrize("seed", [61, 62])
def test_periods_add_up_and_each_begins_as_the_one_before_it_ended(till: Till, seed: int) -> None:
    live(till, seed, chapters=5)
    random = Random(seed)
    hours = int((till.now - START) / timedelta(hours=1))
    cuts = sorted(START + timedelta(hours=random.randrange(hours)) for _ in range(5))
    bounds = [START - timedelta(days=40), *cuts, till.now]
    parts = [
        report_of(till, "deferral", start=start, end=end, known_as_of=till.now)
        for start, end in itertools.pairwise(bounds)
    ]
    whole = report_of(till, "deferral", start=bounds[0], end=till.now, known_as_of=till.now)
    for name, _ in (*ROLLED, ("passed_on", 0), ("agent_fees", 0)):
        assert sum(part[name] for part in parts) == whole[name]
    for before, after in itertools.pairwise(parts):
        assert before["closing"] == after["opening"]


def test_another_program_is_none_of_its_business(till: Till) -> None:
    live(till, 71, chapters=2)
    before = shown(till, [(till.now, till.now)])
    other = Till(till.database, new_program(till.database, "other"), till.now)
    live(other, 72, chapters=2)
    assert shown(till, [(till.now, till.now)]) == before


def shown(till: Till, asked: list[tuple[datetime, datetime]]) -> list[bytes]:
    return [
        each
        for as_of, known in asked
        for each in (
            bytes_of(till, "deferral", end=as_of, known_as_of=known),
            bytes_of(till, "liability", as_of=as_of, known_as_of=known),
            bytes_of(till, "deferral", "csv", end=as_of, known_as_of=known),
        )
    ]
