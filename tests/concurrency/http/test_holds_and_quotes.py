"""Races for one hold, one quote and one balance through two workers: one wins, and the points are in one place."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.rules.terms import DEFAULT_TERMS
from tests.faults.clients import Answer
from tests.faults.service import Service, ledger

from .race import Contest, Sent, codes

NOON = datetime(2030, 1, 1, 4, tzinfo=UTC)
EARLIER = "2026-01-01T12:00:00+08:00"


def made(answer: Answer, name: str) -> str:
    """An id that an answer gives."""
    assert answer.status == 201, answer.body
    return str(answer.document[name])


def held(contest: Contest, member: str, points: int, expires_in: int = 900) -> str:
    """The id of a hold that must succeed."""
    return made(contest.send(contest.holding(member, points=points, expires_in=expires_in)), "hold_id")


def quoted(contest: Contest, member: str, points: int = 100) -> str:
    """The id of a quote of a price of 20.00."""
    return made(contest.send(contest.quoting(member, 2_000, points)), "quote_id")


def closed_by(contest: Contest, member: str) -> list[str]:
    """The kinds of the entries that ended holds of the member."""
    entries = contest.get(f"/v1/members/{member}/entries?limit=200")["data"]
    return [entry["kind"] for entry in entries if entry["kind"] in ("capture", "release")]


def test_of_fifty_captures_of_one_hold_one_succeeds(contest: Contest) -> None:
    member = contest.member(100)
    hold = held(contest, member, 60)
    answers = contest.race([contest.capturing(hold) for _ in range(50)])
    assert Counter(codes(answers)) == {None: 1, "hold_not_open": 49}
    refused = [answer.document for answer in answers if answer.status != 201]
    assert {(each["status"], each["hold_status"]) for each in refused} == {(409, "captured")}
    assert (contest.points(member), closed_by(contest, member)) == ((40, 0), ["capture"])


def test_fifty_captures_under_one_key_are_one_capture(contest: Contest) -> None:
    member = contest.member(100)
    capture = contest.capturing(held(contest, member, 60), points=45)
    answers = contest.race([capture] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert Counter(answer.is_replay for answer in answers) == {False: 1, True: 49}
    assert contest.points(member) == (55, 0)


def test_a_hold_is_either_captured_or_released(contest: Contest) -> None:
    for _ in range(5):
        member = contest.member(100)
        hold = held(contest, member, 60)
        answers = contest.race(
            [act(hold) for _ in range(10) for act in (contest.capturing, contest.releasing)]
        )
        assert Counter(codes(answers)) == {None: 1, "hold_not_open": 19}
        (won,) = [answer.document for answer in answers if answer.status == 201]
        assert contest.points(member) == ((40, 0) if won["kind"] == "capture" else (100, 0))
        assert closed_by(contest, member) == [won["kind"]]


@pytest.fixture(scope="module")
def clocked_key(raced: tuple[Service, str]) -> str:
    """A key of a program whose clock can be moved."""
    service, _ = raced
    where = ("--data", str(service.data))
    ledger("programs", "create", "clocked", "--test", *where)
    made = ledger("keys", "create", "--role", "admin", "--program", "clocked", *where)
    return made.stdout.strip()


@pytest.fixture
def clocked(contest: Contest, clocked_key: str) -> Contest:
    """The same race in that program."""
    return Contest(contest.port, clocked_key, contest.name)


def test_a_hold_is_captured_released_or_lapsed_and_never_two_of_these(clocked: Contest) -> None:
    now, ends = NOON, Counter[str]()
    assert clocked.send(clocked.moving_clock(now.isoformat())).status == 200
    for number in range(12):
        member = clocked.fresh()
        assert clocked.send(clocked.awarding(member, 100)).status == 201
        hold = held(clocked, member, 60, expires_in=60)
        now += timedelta(seconds=60)
        rivals = [clocked.capturing(hold), clocked.releasing(hold), clocked.capturing(hold)]
        # Whoever is sent first tends to win: the clock is sent in every place.
        rivals.insert(number % 4, clocked.moving_clock(now.isoformat()))
        answers = clocked.race(rivals)
        won = [answer.document["kind"] for answer in answers if answer.status == 201]
        lost = [answer for answer in answers if answer.status not in (200, 201)]
        assert codes(lost) == ["hold_not_open"] * (3 - len(won))
        assert len(won) <= 1
        end = won[0] if won else "lapse"
        assert {answer.document["hold_status"] for answer in lost} == {SAID[end]}
        assert clocked.points(member) == ((40, 0) if end == "capture" else (100, 0))
        assert len(closed_by(clocked, member)) == 1
        ends[end] += 1
    assert sum(ends.values()) == 12


SAID = {"capture": "captured", "release": "released", "lapse": "lapsed"}


@pytest.mark.parametrize("way", ["redemption", "hold", "purchase", "all of them"])
def test_a_quote_is_used_once_by_whichever_of_twenty_comes_first(contest: Contest, way: str) -> None:
    member = contest.member(1_000)
    quote = quoted(contest, member)
    ways = {
        "redemption": lambda: contest.redeeming_quote(member, quote),
        "hold": lambda: contest.holding(member, quote_id=quote),
        "purchase": lambda: contest.paying(member, 20, quote),
    }
    # A purchase may come after the hold, which it captures: those two do not race for the quote.
    chosen = [ways[way]] if way in ways else [ways["redemption"], ways["hold"]]
    answers = contest.race([chosen[n % len(chosen)]() for n in range(20)])
    assert Counter(codes(answers)) == {None: 1, "quote_used": 19}
    (won,) = [answer.document for answer in answers if answer.status == 201]
    lost = [answer.document["entry_id"] for answer in answers if answer.status == 409]
    assert set(lost) == {won["entry_id"]}
    earned = 20 if won["kind"] == "earn" else 0
    assert contest.points(member) == (900 + earned, 100 if won["kind"] == "hold" else 0)


def test_a_hold_on_a_quote_is_paid_out_once_by_purchases_captures_or_a_release(contest: Contest) -> None:
    member = contest.member(1_000)
    quote = quoted(contest, member)
    hold = made(contest.send(contest.holding(member, quote_id=quote)), "hold_id")
    rivals = [contest.paying(member, 20, quote) for _ in range(8)]
    rivals += [contest.capturing(hold) for _ in range(6)] + [contest.releasing(hold) for _ in range(6)]
    answers = contest.race(rivals)
    refused = Counter(codes(answers))
    assert refused.pop(None) == 1
    assert set(refused) <= {"quote_used", "hold_not_open"}
    (won,) = [answer.document for answer in answers if answer.status == 201]
    ends = {"earn": (920, 0), "capture": (900, 0), "release": (1_000, 0)}
    assert contest.points(member) == ends[won["kind"]]


def test_of_twenty_quotes_at_once_no_more_are_made_than_may_be_open(contest: Contest) -> None:
    member = contest.member(100)
    answers = contest.race([contest.quoting(member, 2_000, 10) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 5, "too_many_quotes": 15}
    assert len({made(answer, "quote_id") for answer in answers if answer.status == 201}) == 5


def test_two_tills_spend_the_same_points_once_by_hold_and_by_redemption(contest: Contest) -> None:
    member = contest.member(100)
    rivals = [contest.holding(member, points=100) for _ in range(10)]
    rivals += [contest.redeeming(member, 100) for _ in range(10)]
    answers = contest.race(rivals)
    assert Counter(codes(answers)) == {None: 1, "insufficient_points": 19}
    (won,) = [answer.document for answer in answers if answer.status == 201]
    assert contest.points(member) == (0, 100 if won["kind"] == "hold" else 0)


def test_holds_at_once_never_hold_more_than_there_is(contest: Contest) -> None:
    member = contest.member(100)
    answers = contest.race([contest.holding(member, points=30) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 3, "insufficient_points": 17}
    assert contest.points(member) == (10, 90)


def test_captures_of_many_holds_and_releases_of_others_all_count(contest: Contest) -> None:
    member = contest.member(1_000)
    holds = [held(contest, member, 10) for _ in range(20)]
    rivals = [contest.capturing(hold, points=7) for hold in holds[::2]]
    rivals += [contest.releasing(hold) for hold in holds[1::2]]
    assert codes(contest.race(rivals)) == [None] * 20
    assert contest.points(member) == (930, 0)


def offline(contest: Contest, member: str, points: int) -> Sent:
    """What a till took from a member while it was offline."""
    taken = contest.redeeming(member, points)
    return replace(taken, body={**taken.body, "offline": {"device_id": "till", "occurred_at": EARLIER}})


def grant_credit(clocked: Contest, credit: int) -> None:
    """Let devices take so many points from a member in a day."""
    terms = DEFAULT_TERMS | {"offline": {"credit": credit}}
    assert clocked.send(Sent("/v1/program/terms", terms, clocked.fresh(), "PUT")).status == 200


def test_of_twenty_redemptions_that_come_late_at_once_those_beyond_the_credit_are_flagged(
    clocked: Contest,
) -> None:
    grant_credit(clocked, 500)
    member = clocked.fresh()
    assert clocked.send(clocked.awarding(member, 5_000)).status == 201
    answers = clocked.race([offline(clocked, member, 100) for _ in range(20)])
    assert codes(answers) == [None] * 20
    beyond = sorted(answer.document["offline"]["beyond_credit"] for answer in answers)
    assert beyond == [0] * 5 + [100 * n for n in range(1, 16)]
    assert clocked.points(member) == (3_000, 0)


def test_a_numbered_batch_that_comes_ten_times_at_once_is_new_once_and_posted_once(clocked: Contest) -> None:
    grant_credit(clocked, 500)
    member, device = clocked.fresh(), clocked.fresh()
    batch = clocked.batch("redemption", [offline(clocked, member, 30)])
    numbered = replace(batch, body={**batch.body, "device": {"device_id": device, "sequence": 1}})
    answers = clocked.race([numbered] * 10)
    assert [answer.status for answer in answers] == [200] * 10
    assert Counter(answer.document["device"]["repeated"] for answer in answers) == {False: 1, True: 9}
    assert len({json.dumps(answer.document["results"]) for answer in answers}) == 1
    assert clocked.get(f"/v1/members/{member}/balance")["points"]["debt"] == 30


def test_of_two_contents_under_one_number_one_is_taken(clocked: Contest) -> None:
    grant_credit(clocked, 500)
    member, device = clocked.fresh(), clocked.fresh()
    rivals = []
    for points in (10, 20):
        batch = clocked.batch("redemption", [offline(clocked, member, points)])
        numbered = replace(batch, body={**batch.body, "device": {"device_id": device, "sequence": 1}})
        rivals += [numbered] * 5
    answers = clocked.race(rivals)
    assert Counter(answer.code for answer in answers) == {None: 5, "till_batch_changed": 5}
    (won,) = {json.dumps(answer.document["results"]) for answer in answers if answer.status == 200}
    debt = clocked.get(f"/v1/members/{member}/balance")["points"]["debt"]
    assert debt == json.loads(won)[0]["body"]["points"]
