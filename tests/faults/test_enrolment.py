"""A member who is enrolled by somebody else in the middle of a batch that takes the member for new."""

from typing import Any

import pytest

from ledger.journal import load
from ledger.journal.lot_reading import read_lots

from .counter import NOW, Counter


def test_a_member_enrolled_between_the_lock_and_the_lots_counts_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody holds a lock on what is not there: each statement may see a rival's rows that came since."""
    runs: list[Any] = []

    def read_after_the_rival(*arguments: Any) -> None:
        runs.append(arguments)
        if len(runs) == 1:
            assert counter.buy("rivals").status == 201
        read_lots(*arguments)

    monkeypatch.setattr(load, "read_lots", read_after_the_rival)
    answer = counter.post("/v1/batches", {"operations": [item("purchase"), item("redemption")]}, "batch")
    assert [result["status"] for result in answer.body["results"]] == [201, 201]
    assert [result["body"]["account_version"] for result in answer.body["results"]] == [2, 3]
    assert answer.body["results"][1]["body"]["balance"]["points"]["available"] == 50


def item(operation: str) -> dict[str, Any]:
    """A purchase that earns 100 points, or a redemption of 150."""
    if operation == "purchase":
        line = {"line_id": "1", "quantity": 1, "amount": 10_000}
        body: dict[str, Any] = {"purchase_id": "ours", "occurred_at": NOW, "currency": "CNY", "lines": [line]}
    else:
        body = {"points": 150, "reference": "ours"}
    return {"operation": operation, "idempotency_key": operation, "body": {**body, "member_id": "m-1"}}
