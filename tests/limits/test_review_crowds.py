"""Reviews on which many decide at once, and which end while goods go back or the clock runs out."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.checkout import Checkout

THREADS = 8


def at_once(*asked: Callable[[], Any]) -> list[Any]:
    """The answers of callers who ask at the same time."""
    barrier = Barrier(len(asked))

    def ask(one: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return one()

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(ask, asked))


@pytest.fixture
def ann(shop: Checkout) -> Checkout:
    shop.award(500)
    shop.must("/v1/members/ann/review", {"reason": "odd times"}, status=200, role="operator")
    return shop


def judging(shop: Checkout, how: str, role: str) -> Callable[[], Any]:
    (found,) = shop.get("/v1/reviews?status=open")["data"]
    path = f"/v1/reviews/{found['review_id']}/{how}"
    return lambda: shop.send(path, {"reason": "looked at"}, role=role)


def codes(answers: list[Any]) -> Counter[str | None]:
    return Counter(answer.json.get("code") for answer in answers)


def test_of_many_who_decide_at_once_one_does(ann: Checkout) -> None:
    ann.award(100)
    deciding = [
        judging(ann, ("release", "reject")[n % 2], ("operator", "approver")[n // 2 % 2])
        for n in range(THREADS)
    ]
    answers = at_once(*deciding)
    assert codes(answers) == {None: 1, "review_decided": THREADS - 1}
    (done,) = [answer.json for answer in answers if answer.status_code == 201]
    assert ann.points() == (600 if done["decision"] == "released" else 500, 0, 0)
    (found,) = ann.get("/v1/reviews")["data"]
    assert (found["status"], found["decided_by"]) == (done["decision"], done["decided_by"])


@pytest.mark.parametrize("how", ["release", "reject"])
def test_goods_that_go_back_beside_a_decision_end_the_same(ann: Checkout, how: str) -> None:
    for _ in range(4):
        bought = ann.buy(10_000)
        path, body = f"/v1/purchases/{bought['purchase_id']}/returns", ann.return_of(10_000)
        answers = at_once(judging(ann, how, "operator"), lambda path=path, body=body: ann.send(path, body))  # type: ignore[misc]
        assert codes(answers) == {None: 2}
        assert ann.points() == (500, 0, 0)


def test_a_review_is_put_on_before_or_after_an_award_and_never_beside_it(shop: Checkout) -> None:
    shop.award(1)
    gift = {"member_id": "ann", "points": 10, "reason": "gift"}
    asked: list[Callable[[], Any]] = [
        lambda n=n: shop.send("/v1/earnings", gift | {"reference": f"g-{n}"}, role="admin")  # type: ignore[misc]
        for n in range(THREADS - 1)
    ]
    asked.append(lambda: shop.send("/v1/members/ann/review", {"reason": "now"}, role="operator"))
    assert codes(at_once(*asked)) == {None: THREADS}
    available, held, _ = shop.points()
    assert available + held == 1 + 10 * (THREADS - 1)
    assert held == 10 * len(shop.get("/v1/reviews")["data"])
    shop.must("/v1/earnings", gift | {"reference": "g-last"}, role="admin")
    assert shop.points() == (available, held + 10, 0)
