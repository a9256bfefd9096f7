"""Requests that arrive at one moment: each on a connection of its own, all but the last byte sent beforehand."""

import itertools
import json
import socket
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPResponse
from typing import Any, Final

from tests.faults.clients import Answer, Caller
from tests.faults.service import SECONDS

NOW: Final = datetime.now(UTC).isoformat()


@dataclass(frozen=True)
class Sent:
    """A request to be sent."""

    path: str
    body: dict[str, Any]
    key: str
    method: str = "POST"

    def raw(self, token: str) -> bytes:
        body = json.dumps(self.body).encode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: ledger\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass
class Contest:
    """Members of one test, ways to ask for something, and the race between such requests."""

    port: int
    token: str
    name: str
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def fresh(self) -> str:
        """A name that nobody else has."""
        return f"{self.name}.{next(self._numbers)}"

    def member(self, points: int = 0) -> str:
        """A fresh member, who has bought for so many points where it is more than none."""
        member = self.fresh()
        if points:
            assert self.send(self.buying(member, points)).status == 201
        return member

    def buying(
        self, member: str, points: int, purchase_id: str | None = None, key: str | None = None
    ) -> Sent:
        line = {"line_id": "1", "quantity": 1, "amount": 100 * points}
        name = purchase_id or self.fresh()
        body = {
            "purchase_id": name,
            "member_id": member,
            "occurred_at": NOW,
            "currency": "CNY",
            "lines": [line],
        }
        return Sent("/v1/purchases", body, key or self.fresh())

    def redeeming(
        self, member: str, points: int, key: str | None = None, reference: str | None = None
    ) -> Sent:
        body = {"member_id": member, "points": points, "reference": reference or self.fresh()}
        return Sent("/v1/redemptions", body, key or self.fresh())

    def refunding(self, redemption_id: str, points: int) -> Sent:
        body = {"points": points, "reference": self.fresh()}
        return Sent(f"/v1/redemptions/{redemption_id}/refunds", body, self.fresh())

    def returning(self, purchase_id: str, amount: int) -> Sent:
        line = {"line_id": "1", "quantity": 0, "amount": amount}
        body = {"return_id": self.fresh(), "occurred_at": NOW, "lines": [line]}
        return Sent(f"/v1/purchases/{purchase_id}/returns", body, self.fresh())

    def reversing(self, entry_id: str) -> Sent:
        return Sent(f"/v1/entries/{entry_id}/reversal", {"reason": "a race"}, self.fresh())

    def transferring(self, sender: str, recipient: str, points: int) -> Sent:
        body = {"from_member_id": sender, "to_member_id": recipient, "points": points}
        return Sent("/v1/transfers", {**body, "reference": self.fresh()}, self.fresh())

    def awarding(self, member: str, points: int) -> Sent:
        body = {"member_id": member, "points": points, "reason": "a race", "reference": self.fresh()}
        return Sent("/v1/earnings", body, self.fresh())

    def quoting(self, member: str, price: int, points: int) -> Sent:
        body = {"member_id": member, "price": {"amount": price, "currency": "CNY"}, "points": points}
        return Sent("/v1/quotes", body, self.fresh())

    def holding(self, member: str, **what: Any) -> Sent:
        """A hold on ``points``, or on a ``quote_id``."""
        return Sent("/v1/holds", {"member_id": member, "reference": self.fresh(), **what}, self.fresh())

    def capturing(self, hold_id: str, **what: Any) -> Sent:
        return Sent(f"/v1/holds/{hold_id}/capture", what, self.fresh())

    def releasing(self, hold_id: str) -> Sent:
        return Sent(f"/v1/holds/{hold_id}/release", {}, self.fresh())

    def redeeming_quote(self, member: str, quote_id: str) -> Sent:
        body = {"member_id": member, "quote_id": quote_id, "reference": self.fresh()}
        return Sent("/v1/redemptions", body, self.fresh())

    def paying(self, member: str, points: int, quote_id: str) -> Sent:
        """A purchase that would earn so many points, paid with those of a quote."""
        bought = self.buying(member, points)
        return replace(bought, body={**bought.body, "quote_id": quote_id})

    def moving_clock(self, now: str) -> Sent:
        """The clock of a test program, to be moved on."""
        return Sent("/v1/test-clock", {"now": now}, self.fresh(), "PUT")

    def batch(self, operation: str, requests: Iterable[Sent]) -> Sent:
        """One batch of requests that are all of this operation."""
        items = [{"operation": operation, "idempotency_key": one.key, "body": one.body} for one in requests]
        return Sent("/v1/batches", {"operations": items}, self.fresh())

    def send(self, request: Sent) -> Answer:
        return self.race([request])[0]

    def race(self, requests: Sequence[Sent]) -> list[Answer]:
        """Let all requests be complete at one moment; their answers, in the same order."""
        held = []
        try:
            for request in requests:
                connection = socket.create_connection(("127.0.0.1", self.port), SECONDS)
                raw = request.raw(self.token)
                connection.sendall(raw[:-1])
                held.append((connection, raw[-1:]))
            for connection, last in held:
                connection.sendall(last)
            return [_read(connection) for connection, _ in held]
        finally:
            for connection, _ in held:
                connection.close()

    def caller(self) -> Caller:
        """A connection that is kept for many requests."""
        return Caller(self.port, self.token)

    def available(self, member: str) -> int:
        """What the member may spend."""
        return self.points(member)[0]

    def points(self, member: str) -> tuple[int, int]:
        """What the member may spend, and what is held of it."""
        points = self.get(f"/v1/members/{member}/balance")["points"]
        return points["available"], points["held"]

    def get(self, path: str) -> dict[str, Any]:
        with closing(self.caller()) as caller:
            return caller.get(path).document


def _read(connection: socket.socket) -> Answer:
    with closing(HTTPResponse(connection, method="POST")) as answer:
        answer.begin()
        return Answer(answer.status, answer.read(), answer.getheader("Idempotency-Replayed") == "true")


def codes(answers: Iterable[Answer]) -> list[str | None]:
    """The codes of the refusals, and None for each success."""
    return [answer.code for answer in answers]
