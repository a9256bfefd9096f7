"""The requests of the loads, as bytes on the wire. Each maker gives a function that makes the next one."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from benchmarks.books import CURRENCY, member
from benchmarks.draws import Draw, uniform
from benchmarks.engine import PURCHASES
from ledger.clock import show, system_now

Maker = Callable[[], bytes]

_SHARES = 4
"""Batches next to each other are of different members, so that two on their way do not wait for each other."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks which host, with which key."""

    host: str
    token: str

    def request(
        self, method: str, path: str, body: bytes = b"", *, key: str = "", media: str = "application/json"
    ) -> bytes:
        """One request; ``key`` is its idempotency key."""
        content = f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n" if body else ""
        name = f"Idempotency-Key: {key}\r\n" if key else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\n"
            f"{content}{name}\r\n"
        )
        return head.encode() + body

    def get(self, path: str) -> Maker:
        """The same request for a page again and again."""
        request = self.request("GET", path)
        return lambda: request

    def balances(self, members: int) -> Maker:
        """Balances of random members."""
        draw = uniform(members, "balances")
        return lambda: self.request("GET", f"/v1/members/{member(draw())}/balance")

    def statements(self, draw: Draw, limit: int = 50) -> Maker:
        """The newest entries of members."""
        return lambda: self.request("GET", f"/v1/members/{member(draw())}/entries?limit={limit}")

    def purchases(self, draw: Draw, path: str = "/v1/purchases") -> Maker:
        """Purchases of one line, each under a key of its own."""
        operations = Operations()

        def next_request() -> bytes:
            name = operations.name()
            body = operations.purchase(name, member(draw()))
            return self.request("POST", path, orjson.dumps(body), key=name)

        return next_request

    def batches(self, members: int, size: int) -> Maker:
        """Batches of purchases and redemptions, in turn for one share of the members after the other."""
        operations, numbers = Operations(), count()

        def next_request() -> bytes:
            share = range(next(numbers) % _SHARES, members, _SHARES)
            mixed = [operations.mixed(member(operations.chance.choice(share))) for _ in range(size)]
            return self.request("POST", "/v1/batches", orjson.dumps({"operations": mixed}))

        return next_request


class Operations:
    """Operations of a batch, with names that no run before has used."""

    def __init__(self) -> None:
        self.run = os.urandom(4).hex()
        self.chance = random.Random("operations")
        self.occurred_at = show(system_now())
        self._numbers = count()

    def name(self) -> str:
        """A name that is new."""
        return f"http-{self.run}-{next(self._numbers)}"

    def purchase(self, name: str, member_id: str) -> dict[str, Any]:
        """The body of a purchase of one line."""
        line = {"line_id": "1", "sku": "sku-1", "category": "grocery", "quantity": 1}
        return {
            "purchase_id": name,
            "member_id": member_id,
            "occurred_at": self.occurred_at,
            "currency": CURRENCY,
            "lines": [{**line, "amount": self.chance.randrange(1_000, 90_000)}],
        }

    def mixed(self, member_id: str) -> dict[str, Any]:
        """A purchase seven times in ten, a redemption otherwise."""
        name = self.name()
        if self.chance.random() < PURCHASES:
            operation, body = "purchase", self.purchase(name, member_id)
        else:
            operation = "redemption"
            body = {"member_id": member_id, "points": self.chance.randrange(1, 50), "reference": name}
        return {"operation": operation, "idempotency_key": name, "body": body}

    def lines(self, members: int, size: int) -> Iterator[bytes]:
        """So many of them as lines of NDJSON."""
        for _ in range(size):
            yield orjson.dumps(self.mixed(member(self.chance.randrange(members)))) + b"\n"
