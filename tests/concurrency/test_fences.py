"""Fences under sixteen threads: a cap, a campaign, a budget and an operator's day hold to the point, and nothing
that may still be given is kept back.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger.db import Database
from ledger.journal.commands import Source
from ledger.rules.commands import Purchase
from tests.builders import NOW, Bench, fresh, purchase, request
from tests.concurrency.rivals import open_bench, open_sound_database, rivals
from tests.concurrency.test_budgets import at_once as at_the_same_moment
from tests.concurrency.test_crowds import Crowd
from tests.conftest import TestDatabase
from tests.model.driver import Answer
from tests.rulesets import RuleForm, fixed, rule
from tests.stories.counter import Counter as Shop

THREADS = 16
OLGA = Source(operator="olga")
SPRING = {"code": "spring", "name": {"en": "spring", "zh": "spring"}, "caps": {"ever": 500}}


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_sound_database(fresh_database.app_url, connections=THREADS + 4) as opened:
        yield opened


def shop(database: Database, *rules: RuleForm, **parts: Any) -> Shop:
    """A program in which these rules are in force, by two principals."""
    bench = open_bench(database, fresh("fences"))
    opened = Shop(bench, ZoneInfo("Asia/Shanghai"), {"rules": {"rules": list(rules), **parts}})
    opened.puts_in_force("headquarters", "rules", None)
    return opened


def buy(member: str = "m-1", source: Source = OLGA, fen: int = 10_000) -> Purchase:
    return replace(purchase(fen, member=member), source=source)


def at_once(bench: Bench, purchases: Sequence[Purchase]) -> list[Answer]:
    """The answers of purchases that come at the same moment, sixteen at a time."""
    answers: list[Answer] = []
    for first in range(0, len(purchases), THREADS):
        answers += Crowd(bench).post_at_once([request(each) for each in purchases[first : first + THREADS]])
    assert [answer.code for answer in answers] == [None] * len(purchases)
    return answers


def given(answers: Sequence[Answer], code: str) -> list[int]:
    """What a rule gave in each of them, most first."""
    awards = [award for answer in answers for award in (answer.body or {})["awards"]]
    return sorted((award["amount"] for award in awards if award["rule"] == code), reverse=True)


def kept_back(answers: Sequence[Answer]) -> Counter[str]:
    return Counter(each["fence"] for answer in answers for each in (answer.body or {}).get("fenced", ()))


def test_a_cap_of_a_members_day_is_given_to_the_last_point_and_no_further(database: Database) -> None:
    bench = shop(database, rule("base", caps={"day": 450})).bench
    answers = at_once(bench, [buy() for _ in range(THREADS)])
    assert given(answers, "base") == [100, 100, 100, 100, 50]
    assert kept_back(answers) == {"cap_day": 12}
    # The next day it is all there again, and only for that member was it gone.
    bench.now += timedelta(days=1)
    tomorrow = [replace(buy(), occurred_at=bench.now) for _ in range(THREADS)]
    assert sum(given(at_once(bench, tomorrow), "base")) == 450
    assert sum(given(at_once(bench, [buy("m-2")]), "base")) == 100
    bench.check()


def test_a_cap_of_an_operators_day_holds_over_all_members(database: Database) -> None:
    bench = shop(database, rule("base", caps={"operator_day": 1_030})).bench
    answers = at_once(bench, [buy(f"m-{number}") for number in range(2 * THREADS)])
    assert given(answers, "base") == [100] * 10 + [30]
    assert kept_back(answers) == {"cap_operator_day": 22}
    others = [buy("m-1", Source(operator="peter")), buy("m-1", Source())]
    assert given(at_once(bench, others), "base") == [100, 100]
    bench.check()


def test_a_cap_of_a_campaign_holds_over_its_rules_together(database: Database) -> None:
    rules = (rule("base", campaign="spring"), fixed("gift", 30, campaign="spring"))
    bench = shop(database, *rules, campaigns=[SPRING]).bench
    answers = at_once(bench, [buy() for _ in range(THREADS)])
    assert given(answers, "base") == [100, 100, 100, 100]
    assert given(answers, "gift") == [30, 30, 30, 10]
    assert set(kept_back(answers)) == {"cap_ever"}
    bench.check()


def test_a_budget_pays_sixty_six_whole_awards_of_a_hundred(database: Database) -> None:
    opened = shop(database, fixed("gift", 150, funds=["spring"]))
    opened.grants("10000", "spring")
    answers = at_once(opened.bench, [buy(f"m-{number}") for number in range(100)])
    assert given(answers, "gift") == [150] * 66
    assert kept_back(answers) == {"budget_exhausted": 34}
    opened.has_left("spring", "100")
    opened.bench.check()


def test_all_fences_at_once_hold_together(database: Database) -> None:
    rules = (
        rule("base", caps={"day": 700, "operator_day": 2_000}, campaign="spring"),
        fixed("gift", 40, funds=["spring", "store:{store}"], campaign="spring"),
        fixed("once", 5, once=True),
    )
    opened = shop(database, *rules, campaigns=[SPRING])
    opened.grants("630", "spring")
    opened.grants("390", "store:s-1")
    sources = (Source(store="s-1", operator="olga"), Source(store="s-1", operator="peter"))
    bought = [buy(f"m-{number % 5}", sources[number % 2]) for number in range(6 * THREADS)]
    answers = at_once(opened.bench, bought)
    gifts = sum(given(answers, "gift"))
    assert 390 - 40 < gifts <= 390
    assert given(answers, "once") == [5] * 5
    for member in range(5):
        own = [
            answer for answer, each in zip(answers, bought, strict=True) if each.member_id == f"m-{member}"
        ]
        assert sum(given(own, "base")) + sum(given(own, "gift")) <= 500
    opened.has_left("spring", str(630 - gifts))
    opened.has_left("store:s-1", str(390 - gifts))
    opened.bench.check()


def test_who_waits_for_an_operator_sees_what_is_left_of_the_day(database: Database) -> None:
    bench = shop(database, rule("base", caps={"operator_day": 150})).bench
    at_once(bench, [buy("m-9", fen=100)])
    with rivals(bench) as meeting:
        first = meeting.holding(request(buy("m-1")))
        second = meeting.arriving(request(buy("m-2")))
        assert meeting.is_waiting(second, first)
        answers = [first.answer(), second.answer()]
    assert given(answers, "base") == [100, 49]
    assert second.runs == 1
    bench.check()


def test_a_switch_shows_on_every_posting_that_begins_after_it(database: Database) -> None:
    opened = shop(database, rule("base"), fixed("oops", 1_000))
    before = at_once(opened.bench, [buy(f"m-{number}") for number in range(THREADS)])
    assert given(before, "oops") == [1_000] * THREADS
    opened.switches("rule", "oops", "off")
    after = at_once(opened.bench, [buy(f"m-{number}") for number in range(THREADS)])
    assert (given(after, "oops"), given(after, "base")) == ([], [100] * THREADS)
    opened.bench.check()


def test_late_purchases_count_in_the_day_on_which_they_happened(database: Database) -> None:
    bench = shop(database, rule("base", caps={"day": 250})).bench
    bench.now = NOW + timedelta(days=1)
    late = [buy() for _ in range(8)]
    today = [replace(buy(), occurred_at=bench.now) for _ in range(8)]
    answers = at_once(bench, [each for pair in zip(late, today, strict=True) for each in pair])
    assert sum(given(answers[0::2], "base")) == sum(given(answers[1::2], "base")) == 250
    bench.check()


def test_batches_that_name_members_operators_and_funds_in_any_order_meet_no_deadlock(
    database: Database,
) -> None:
    rules = (
        rule("base", caps={"day": 300, "operator_day": 3_000}),
        fixed("gift", 9, funds=["spring", "store:{store}"]),
    )
    opened = shop(database, *rules)
    for fund in ("spring", "store:s-1", "store:s-2"):
        opened.grants("700", fund)
    bench = opened.bench

    def crowd(number: int) -> list[Answer]:
        """Batches of members, operators and stores that others have in another order; most of them new."""
        random, answers = Random(number), []
        for _ in range(4):
            operators, stores = ("olga", "peter", "quinn"), ("s-1", "s-2", None)
            batch = [
                buy(
                    f"m-{random.randrange(12)}",
                    Source(store=random.choice(stores), operator=random.choice(operators)),
                )
                for _ in range(6)
            ]
            answers += bench.post(*batch)
        return answers

    answers = [answer for some in at_the_same_moment(crowd, THREADS) for answer in some]
    assert [answer.code for answer in answers] == [None] * THREADS * 4 * 6
    assert sum(given(answers, "base")) <= 12 * 300
    gifts = sum(given(answers, "gift"))
    assert 700 - 9 < gifts <= 700
    opened.has_left("spring", str(700 - gifts))
    bench.check()
