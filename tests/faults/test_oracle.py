"""The oracle itself: it accepts a true history, and notices each way in which one can be false."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from .clients import Answer, Record
from .oracle import Entry, check
from .workload import Operation

Records = list[Record]
Entries = list[Entry]


def told(name: str, number: int, payload: dict[str, Any], status: int, answer: dict[str, Any]) -> Record:
    """A record of an operation that was sent at ``10 * number`` and answered 5 later."""
    reference = f"r-{number}"
    operation = Operation(name, payload, f"k-{number}", reference, ("m-1",))
    body = json.dumps(answer).encode()
    return Record(operation, 10 * number, Answer(status, body), 10 * number + 5)


def balance(points: int, growth: int) -> dict[str, Any]:
    return {"points": {"available": points, "pending": 0, "debt": 0}, "growth": {"value": growth}}


def true_history() -> tuple[Records, Entries]:
    """A purchase of 100 points, a redemption of 30, and one of 80 that is refused."""
    bought = {"entry_id": "ent_01", "account_version": 1, "points": 100, "growth": 100}
    spent = {"entry_id": "ent_02", "account_version": 2}
    refused = {"code": "insufficient_points", "retryable": False, "available": 70, "requested": 80}
    records = [
        told("purchase", 1, {"lines": [{"amount": 10_000}]}, 201, {**bought, "balance": balance(100, 100)}),
        told("redemption", 2, {"points": 30}, 201, {**spent, "balance": balance(70, 100)}),
        told("redemption", 3, {"points": 80}, 422, refused),
    ]
    entries = [
        Entry("m-1", 1, "earn", "r-1", "01", 100, 0, 100),
        Entry("m-1", 2, "redeem", "r-2", "02", 70, 0, 100),
    ]
    return records, entries


def test_a_true_history_is_accepted() -> None:
    records, entries = true_history()
    assert check(records, entries)["m-1"] == (70, 0, 100)


def lose_an_acknowledged_entry(records: Records, entries: Entries) -> None:
    del entries[1]


def post_twice(records: Records, entries: Entries) -> None:
    entries.append(entries[1]._replace(version=3, entry_id="03", points=40))


def post_a_refusal(records: Records, entries: Entries) -> None:
    entries.append(Entry("m-1", 3, "redeem", "r-3", "03", 70, 0, 100))


def post_what_nobody_asked_for(records: Records, entries: Entries) -> None:
    entries.append(Entry("m-1", 3, "earn", "r-9", "03", 70, 0, 100))


def leave_a_gap(records: Records, entries: Entries) -> None:
    entries[1] = entries[1]._replace(version=3)
    change_answer(records[1], account_version=3)


def name_another_entry(records: Records, entries: Entries) -> None:
    change_answer(records[1], entry_id="ent_05")


def miscount_the_row(records: Records, entries: Entries) -> None:
    entries[1] = entries[1]._replace(points=71)


def miscount_the_answer(records: Records, entries: Entries) -> None:
    change_answer(records[1], balance=balance(71, 100))


def overdraw(records: Records, entries: Entries) -> None:
    records[1].operation.payload["points"] = 130
    change_answer(records[1], balance=balance(-30, 100))
    entries[1] = entries[1]._replace(points=-30)


def answer_the_later_request_first(records: Records, entries: Entries) -> None:
    # The redemption was acknowledged before the purchase was sent, and stands behind it all the same.
    records[1].sent_at, records[1].answered_at = 1, 2


def refuse_by_a_balance_that_never_was(records: Records, entries: Entries) -> None:
    change_answer(records[2], available=60)


def refuse_by_a_balance_of_the_past(records: Records, entries: Entries) -> None:
    change_answer(records[2], available=0)


def refuse_without_a_reason(records: Records, entries: Entries) -> None:
    change_answer(records[2], code="internal_error")


def leave_unknown(records: Records, entries: Entries) -> None:
    records[2].answer = None


def change_answer(record: Record, **changes: Any) -> None:
    assert record.answer is not None
    record.answer = replace(record.answer, body=json.dumps(record.answer.document | changes).encode())


@pytest.mark.parametrize(
    "falsify",
    [
        lose_an_acknowledged_entry,
        post_twice,
        post_a_refusal,
        post_what_nobody_asked_for,
        leave_a_gap,
        name_another_entry,
        miscount_the_row,
        miscount_the_answer,
        overdraw,
        answer_the_later_request_first,
        refuse_by_a_balance_that_never_was,
        refuse_by_a_balance_of_the_past,
        refuse_without_a_reason,
        leave_unknown,
    ],
)
def test_a_false_history_is_noticed(falsify: Callable[[Records, Entries], None]) -> None:
    records, entries = true_history()
    falsify(records, entries)
    with pytest.raises(AssertionError):
        check(records, entries)
