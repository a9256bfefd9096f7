"""Members are put by their callers, enrolled by purchases, and are the same members either way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from ledger.accounts.members import Member, put_member, read_member
from ledger.accounts.queries import read_balance
from ledger.errors import MemberUnknown, OccurredInFuture
from ledger.journal import Request, post
from ledger.rules.commands import Line, Purchase
from tests.till import START, Till, day

FIRST: dict[str, Any] = {"region": "east", "store": "s-1", "attributes": {"tier_at_partner": "gold"}}


def put(till: Till, member: str = "m-1", **facts: Any) -> tuple[Member, bool]:
    return till.database.run(lambda c: put_member(c, till.program, member, now=till.now, **facts))


def read(till: Till, member: str = "m-1") -> Member:
    with till.reading() as connection:
        return read_member(connection, till.program, member)


def test_member_that_is_put_can_be_read_and_holds_nothing(till: Till) -> None:
    made, is_new = put(till, **FIRST)
    assert is_new
    assert made == read(till) == Member("m-1", "east", "s-1", START, {"tier_at_partner": "gold"}, 0)
    with till.reading() as connection:
        balance = read_balance(connection, till.program, "m-1", till.now)
    assert (balance["points"]["available"], balance["account_version"]) == (0, 0)


def test_what_is_left_out_of_an_update_stays_as_it_is(till: Till) -> None:
    put(till, **FIRST)
    changed, is_new = put(till.at(day(1)), store="s-2")
    assert not is_new
    assert changed == Member("m-1", "east", "s-2", START, {"tier_at_partner": "gold"}, 0)
    assert put(till, attributes={})[0].attributes == {}
    assert put(till, enrolled_at=START - timedelta(days=400))[0].enrolled_at == START - timedelta(days=400)
    assert put(till)[0] == read(till)


def test_member_enrolled_by_a_purchase_can_be_put(till: Till) -> None:
    till.buy("m-1", 10_000)
    changed, is_new = put(till, region="west")
    assert (is_new, changed.region, changed.account_version) == (False, "west", 1)
    assert till.buy("m-1", 10_000)["balance"]["points"]["available"] == 200


def test_enrolment_in_the_future_is_refused_and_leaves_nothing(till: Till) -> None:
    with pytest.raises(OccurredInFuture):
        put(till, enrolled_at=day(1))
    with pytest.raises(MemberUnknown):
        read(till)


def test_put_and_purchase_at_the_same_moment_make_one_member(till: Till) -> None:
    # Many pairs, because only some of them meet between reading and writing.
    for number in range(20):
        member, barrier = f"m-{number}", Barrier(2)
        purchase = Purchase(f"p-{number}", member, START, "CNY", (Line("1", 1, 10_000),))

        def enrol(member: str = member, barrier: Barrier = barrier) -> bool:
            barrier.wait(30)
            return put(till, member, region="east", attributes={"a": 1})[1]

        def buy(purchase: Purchase = purchase, barrier: Barrier = barrier) -> bool:
            barrier.wait(30)
            request = Request(purchase, purchase.purchase_id, b"f", "req")
            (outcome,) = till.database.run(lambda c: post(c, till.program, [request], now=START))
            return outcome.error is None

        assert _both(enrol, buy)[1]
        found = read(till, member)
        assert (found.region, found.attributes, found.account_version) == ("east", {"a": 1}, 1)


def test_two_puts_of_one_member_at_the_same_moment_create_it_once(till: Till) -> None:
    for number in range(20):
        member, barrier = f"m-{number}", Barrier(2)

        def enrol(member: str = member, barrier: Barrier = barrier) -> bool:
            barrier.wait(30)
            return put(till, member, region="east", attributes={"a": 1})[1]

        assert sorted(_both(enrol, enrol)) == [False, True]


def _both(first: Callable[[], bool], second: Callable[[], bool]) -> list[bool]:
    with ThreadPoolExecutor(2) as pool:
        return [future.result(60) for future in (pool.submit(first), pool.submit(second))]
