"""What must hold when units of work meet, each as one check on a new program.

The tests beside run them on the ledger as it is; the seeded bugs run them on a ledger that was broken, and
see them fail.
"""

from datetime import timedelta

from ledger.db import Database
from ledger.ids import holder_id
from tests.builders import (
    NOW,
    Bench,
    earning,
    expire,
    fresh,
    give_back,
    purchase,
    redeem,
    refund,
    request,
    reverse,
    transfer,
)
from tests.concurrency.rivals import open_bench, rivals
from tests.model.driver import Answer

DAY = timedelta(days=1)


def _bench(database: Database) -> Bench:
    return open_bench(database, fresh("rivals"))


def _codes(*answers: Answer) -> list[str | None]:
    return [answer.code for answer in answers]


def check_one_of_two_spends_all(database: Database) -> None:
    """Two redeem the whole balance at once: one succeeds, the other is refused on what it then sees."""
    bench = _bench(database)
    bench.must(earning(100))
    with rivals(bench) as meeting:
        first = meeting.holding(request(redeem(100)))
        second = meeting.arriving(request(redeem(100)))
        answers = first.answer(), second.answer()
    assert _codes(*answers) == [None, "insufficient_points"]
    assert answers[1].details == {"available": 0, "requested": 100}
    assert bench.available() == 0
    bench.check()


def check_who_waits_reads_after_the_lock(database: Database) -> None:
    """A unit that had to wait for a member decides on what it reads then; nothing makes it run again."""
    bench = _bench(database)
    bench.must(earning(100))
    with rivals(bench) as meeting:
        first = meeting.holding(request(redeem(60)))
        second = meeting.arriving(request(redeem(60)))
        assert meeting.is_waiting(second, first)
        answers = first.answer(), second.answer()
    assert second.runs == 1
    assert answers[1].details == {"available": 40, "requested": 60}
    bench.check()


def check_who_waits_holds_nothing_later(database: Database) -> None:
    """Members are locked in the order of their ids: who waits for one holds none that comes after it."""
    bench = _bench(database)
    number = bench.driver.program.program_id
    low, high = sorted(("m-1", "m-2"), key=lambda member: holder_id(number, member))
    bench.post(earning(100, member=low), earning(100, member=high))
    with rivals(bench) as meeting:
        first = meeting.holding(request(redeem(1, member=low)))
        waiting = meeting.arriving(request(transfer(10, sender=high, recipient=low)))
        passing = meeting.arriving(request(redeem(1, member=high)))
        assert meeting.is_waiting(waiting, first)
        assert passing.posted.is_set(), "the waiting one keeps others from a member whose turn has not come"
        assert _codes(passing.answer(), first.answer(), waiting.answer()) == [None, None, None]
        assert waiting.runs == 1
    bench.check()


def check_one_key_has_one_effect_across_members(database: Database) -> None:
    """One key for two members at once: one effect, and the other is told that the key is taken."""
    bench = _bench(database)
    with rivals(bench) as meeting:
        first = meeting.holding(request(earning(10, member="m-1"), "k"))
        second = meeting.arriving(request(earning(10, member="m-2"), "k"))
        answers = first.answer(), second.answer()
    assert _codes(*answers) == [None, "idempotency_key_reused"]
    assert bench.books().holders.keys() == {"m-1"}
    bench.check()


def check_retry_in_flight_gets_the_first_answer(database: Database) -> None:
    """The same request twice at once: one effect, and both get the same answer."""
    bench = _bench(database)
    bench.must(earning(100))
    twice = request(redeem(70))
    with rivals(bench) as meeting:
        first = meeting.holding(twice)
        second = meeting.arriving(twice)
        one, other = first.answer(), second.answer()
    assert (one.raw, one.replayed, other.raw, other.replayed) == (one.raw, False, one.raw, True)
    assert bench.available() == 30
    bench.check()


def check_retry_after_the_answer_gets_it_again(database: Database) -> None:
    """The same request later: the first answer, byte for byte, and no second effect."""
    bench = _bench(database)
    bench.must(earning(100))
    twice = request(redeem(40))
    (first,), (second,) = bench.send(twice), bench.send(twice)
    assert (second.code, second.raw, second.replayed) == (None, first.raw, True)
    assert bench.available() == 60
    bench.check()


def check_one_reference_has_one_effect_across_members(database: Database) -> None:
    """One purchase for two members at once, under two keys: the second is told which entry it is."""
    bench = _bench(database)
    with rivals(bench) as meeting:
        first = meeting.holding(request(purchase(5_000, member="m-1", purchase_id="p")))
        second = meeting.arriving(request(purchase(5_000, member="m-2", purchase_id="p")))
        one, other = first.answer(), second.answer()
    assert _codes(one, other) == [None, "purchase_exists"]
    assert one.body is not None
    assert other.details == {"purchase_id": "p", "entry_id": one.body["entry_id"]}
    assert bench.books().holders.keys() == {"m-1"}
    bench.check()


def check_new_member_is_enrolled_once(database: Database) -> None:
    """Two first purchases of one member at once: one member, both purchases, versions 1 and 2."""
    bench = _bench(database)
    with rivals(bench) as meeting:
        first = meeting.holding(request(purchase(5_000)))
        second = meeting.arriving(request(purchase(3_000)))
        one, other = first.answer(), second.answer()
    assert _codes(one, other) == [None, None]
    assert bench.available() == 80
    bench.check()


def check_new_members_are_enrolled_in_order(database: Database) -> None:
    """Two batches that enrol the same two members, named in opposite orders, wait for each other one way only."""
    bench = _bench(database)
    number = bench.driver.program.program_id
    low, middle, high = sorted(("m-1", "m-2", "m-3"), key=lambda member: holder_id(number, member))
    with rivals(bench) as meeting:
        first = meeting.holding(request(earning(member=middle)))
        # Were it to enrol the highest before it waits for the middle one, the last would hold the lowest by now.
        second = meeting.arriving(*(request(earning(member=member)) for member in (high, middle, low)))
        third = meeting.arriving(*(request(earning(member=member)) for member in (low, high)))
        assert meeting.is_waiting(second, first)
        first.give_up()
        second.may_commit.set()
        third.may_commit.set()
        assert _codes(*second.answers(), *third.answers()) == [None] * 5
    # Only the one that came second to a member had to run again; a deadlock would have made it more.
    assert (second.runs, third.runs) == (1, 2)
    bench.check()


def check_redemption_is_refunded_once(database: Database) -> None:
    """Two full refunds of one redemption at once: one of them."""
    bench = _bench(database)
    bench.must(earning(100))
    redemption = bench.must(redeem(80))["redemption_id"]
    with rivals(bench) as meeting:
        first = meeting.holding(request(refund(redemption, 80)))
        second = meeting.arriving(request(refund(redemption, 80)))
        assert _codes(first.answer(), second.answer()) == [None, "refund_exceeds_redemption"]
    assert bench.available() == 100
    bench.check()


def check_return_and_reversal_take_back_once(database: Database) -> None:
    """A return and a reversal of one purchase at once: what the first took back, the second does not."""
    bench = _bench(database)
    bought = bench.must(purchase(10_000))
    with rivals(bench) as meeting:
        first = meeting.holding(request(reverse(bought["entry_id"])))
        second = meeting.arriving(request(give_back(bought["purchase_id"], 10_000)))
        assert _codes(first.answer(), second.answer()) == [None, "entry_already_reversed"]
    assert (bench.available(), bench.debt()) == (0, 0)
    bench.check()


def check_return_may_come_before_its_purchase_is_there(database: Database) -> None:
    """A return that arrives while its purchase is being posted finds none, and succeeds when sent again."""
    bench = _bench(database)
    bought = purchase(10_000)
    returned = request(give_back(bought.purchase_id, 10_000))
    with rivals(bench) as meeting:
        first = meeting.holding(request(bought))
        second = meeting.arriving(returned)
        assert _codes(second.answer(), first.answer()) == ["purchase_unknown", None]
    (again,) = bench.send(returned)
    assert (again.code, again.replayed) == (None, False)
    bench.check()


def check_sweep_books_what_a_redemption_left(database: Database) -> None:
    """A redemption in the last second and the sweep at once: each point is spent or expired, not both."""
    bench = _bench(database)
    ends = NOW + DAY
    bench.must(earning(100, expires_at=ends))
    sweep = request(expire(until=ends))._replace(key=None)
    with rivals(bench) as meeting:
        first = meeting.holding(request(redeem(60)), now=ends - timedelta(seconds=1))
        second = meeting.arriving(sweep, now=ends)
        assert first.answer().code is None
        assert (second.answer().body or {})["points"] == 40
    bench.check()


def check_redemption_finds_nothing_that_was_swept(database: Database) -> None:
    """A redemption from a machine whose clock lags does not find what the sweep has booked already."""
    bench = _bench(database)
    ends = NOW + DAY
    bench.must(earning(100, expires_at=ends))
    sweep = request(expire(until=ends))._replace(key=None)
    with rivals(bench) as meeting:
        first = meeting.holding(sweep, now=ends)
        second = meeting.arriving(request(redeem(60)), now=ends - timedelta(seconds=1))
        assert (first.answer().body or {})["points"] == 100
        assert second.answer().code == "insufficient_points"
    # What the lagging machine posts next is recorded no earlier than the sweep.
    bench.must(earning(5))
    bench.check()


CHECKS = [
    check_one_of_two_spends_all,
    check_who_waits_reads_after_the_lock,
    check_who_waits_holds_nothing_later,
    check_one_key_has_one_effect_across_members,
    check_retry_in_flight_gets_the_first_answer,
    check_retry_after_the_answer_gets_it_again,
    check_one_reference_has_one_effect_across_members,
    check_new_member_is_enrolled_once,
    check_new_members_are_enrolled_in_order,
    check_redemption_is_refunded_once,
    check_return_and_reversal_take_back_once,
    check_return_may_come_before_its_purchase_is_there,
    check_sweep_books_what_a_redemption_left,
    check_redemption_finds_nothing_that_was_swept,
]
