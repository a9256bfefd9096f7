"""The same thieves before four workers, with the database killed under them: nothing is lost, nothing is gained."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.concurrency.http.race import Contest, Sent, codes
from tests.faults.clients import Answer
from tests.faults.nemesis import Victim
from tests.faults.rounds import Arena
from tests.faults.service import Service, await_fact, kill

from .shop import Shop, refused

FAILURES = 40


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(tmp_path_factory.mktemp("four"), "--workers", "4", LEDGER_FAILURE_RATE=str(FAILURES))
    try:
        yield opened
        opened.verify()
    finally:
        opened.service.close()


def test_a_storm_over_five_cards_goes_through_the_death_of_the_database(shop: Shop, contest: Contest) -> None:
    """Flexcoin, Nectar, and a biller that lost charges: whole balances in a ring while PostgreSQL is killed twice.

    Every request is sent until its answer is definite, with the same key; then the books say what the answers said.
    """
    cards = [contest.member(100) for _ in range(5)]
    wishes = [
        contest.transferring(sender, recipient, points)
        for points in (100, 50, 100, 20, 100, 70)
        for sender, recipient in zip(cards, cards[1:] + cards[:1], strict=True)
    ]
    wishes += [contest.redeeming(card, 30) for card in cards for _ in range(6)]
    first: list[Answer] = []

    def send(number: int) -> Answer:
        answer = send_once(contest, wishes[number])
        first.append(answer)
        return answer

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, number) for number in range(len(wishes))]
        for answered in (5, 25):
            await_fact(lambda enough=answered: len(first) >= enough)  # type: ignore[misc]
            await_fact(lambda: (server := shop.service.postmaster()) is not None and kill(server))
        answers = [each.result() for each in sent]
    shop.service.await_status(200)
    for number, wish in enumerate(wishes):
        while not answers[number].is_definite:
            answers[number] = send_once(contest, wish)
    assert {answer.status for answer in answers} <= {201, 422}
    assert set(codes(answers)) <= {None, "insufficient_points"}

    again = [send_once(contest, wish) for wish in wishes]
    assert [(each.status, each.body) for each in again] == [(each.status, each.body) for each in answers]
    posted = [answer.document["entry_id"] for answer in answers if answer.status == 201]
    told = {
        wish.body["reference"] for wish, answer in zip(wishes, answers, strict=True) if answer.status == 201
    }
    assert len(set(posted)) == len(posted)
    assert names_in_books(shop, [wish.body["reference"] for wish in wishes]) == Counter(told)
    spent = sum(30 for answer in answers[30:] if answer.status == 201)
    left = [contest.available(card) for card in cards]
    assert min(left) >= 0
    assert sum(left) == 500 - spent


def send_once(contest: Contest, wish: Sent) -> Answer:
    """The answer on a connection of its own, which may break."""
    with closing(contest.caller()) as caller:
        return caller.post(wish.path, wish.body, wish.key)


def names_in_books(shop: Shop, references: list[str]) -> Counter[str]:
    """How often each of these names stands in the books; a transfer stands in those of its sender."""
    query = "SELECT reference FROM entries WHERE reference = ANY(%s) AND kind NOT IN ('transfer_in')"
    with psycopg.connect(shop.service.owner_url) as connection:
        return Counter(name for (name,) in connection.execute(query, [references]))


@pytest.mark.parametrize("seed", [31, 32])
def test_a_round_of_everything_is_survived(tmp_path: Path, seed: int) -> None:
    """All operations and batches of them, with the database killed in between: what was answered is there, once."""
    service = Service(tmp_path, "--workers", "4")
    try:
        Arena(service).fight(seed, (Victim.POSTMASTER,))
    finally:
        service.close()


def test_of_twenty_full_spends_one_succeeds_after_all_that(contest: Contest) -> None:
    """Starbucks 2015, by four workers that have all lost their database before."""
    card = contest.member(100)
    answers = contest.race([contest.redeeming(card, 100) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 1, "insufficient_points": 19}


def test_who_tries_keys_is_sent_away_by_all_workers_together(shop: Shop, contest: Contest) -> None:
    """Dunkin' 2015: five days of tried passwords. Failures of one address are counted by all four workers together."""
    path = f"/v1/members/{contest.member(1)}/balance"
    replies = [shop.ask(f"lk_{number:012d}_{'x' * 49}", "GET", path) for number in range(4 * FAILURES)]
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) == {401, 429}
    # The minute may have turned once meanwhile.
    assert statuses[401] <= 2 * FAILURES
    late = next(reply for reply in replies if reply.status == 429)
    refused(late, 429, "rate_limited")
    assert int(late.head["retry-after"]) > 0
    # Whoever has a key is served meanwhile.
    assert shop.ask(contest.token, "GET", path).status == 200
