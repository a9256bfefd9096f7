"""A checkout over HTTP with a clock that the test moves: quotes, holds, purchases, and refusals that move nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ledger import clock
from ledger.finance.verify import verify
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService, open_service

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon of Monday, 2 March 2026, in Shanghai."""

_numbers = count(1)


class Checkout:
    """A program of its own whose member is ann, at one fen a point unless a rate is put in force."""

    def __init__(self, service: WholeService, **terms: Any) -> None:
        self.service = service
        name = f"checkout {next(_numbers)}"
        self.tenant: Tenant = service.tenant(name, is_test=True, test_now=NOON, terms=DEFAULT_TERMS | terms)
        self.now = NOON

    # --- what a till sends ------------------------------------------------------------------------

    def send(self, path: str, body: dict[str, Any] | None = None, **how: Any) -> Any:
        """The answer to a posting; ``member_id`` is ann where the body needs one and names none."""
        return self.tenant.send("POST", path, role=how.pop("role", "checkout"), json=body or {}, **how)

    def must(self, path: str, body: dict[str, Any] | None = None, status: int = 201, **how: Any) -> Any:
        """What a posting that succeeds has answered."""
        answer = self.send(path, body, **how)
        assert answer.status_code == status, answer.data
        return answer.json

    def refused(self, path: str, body: dict[str, Any], code: str, **how: Any) -> dict[str, Any]:
        """The problem that a posting is refused with; nothing has moved by it."""
        before = self.rows()
        answer = self.send(path, body, **how)
        assert answer.json.get("code") == code, answer.data
        assert self.rows() == before
        problem: dict[str, Any] = answer.json
        return problem

    def rows(self) -> dict[str, Any]:
        """Every row of the database, but for the answers that keys have got."""
        return {table: rows for table, rows in self.service.rows().items() if table != "outcomes"}

    def award(self, points: int, **more: Any) -> dict[str, Any]:
        gift = {"member_id": "ann", "points": points, "reason": "gift", "reference": fresh("a")}
        return self.must("/v1/earnings", {**gift, **more}, role="admin")  # type: ignore[no-any-return]

    def quote(self, price: int = 2_000, points: int | None = None, **more: Any) -> dict[str, Any]:
        return self.must("/v1/quotes", quote_of(price, points, **more))  # type: ignore[no-any-return]

    def hold(self, points: int | None = None, **more: Any) -> dict[str, Any]:
        return self.must("/v1/holds", hold_of(points, **more))  # type: ignore[no-any-return]

    def capture(self, hold: dict[str, Any], **body: Any) -> dict[str, Any]:
        return self.must(capture_of(hold), body)  # type: ignore[no-any-return]

    def release(self, hold: dict[str, Any]) -> dict[str, Any]:
        return self.must(release_of(hold))  # type: ignore[no-any-return]

    def buy(self, *amounts: int, **more: Any) -> dict[str, Any]:
        return self.must("/v1/purchases", self.purchase_of(*amounts, **more))  # type: ignore[no-any-return]

    def purchase_of(self, *amounts: int, **more: Any) -> dict[str, Any]:
        """The body of a purchase with a line for each amount, numbered from 1."""
        lines = [{"line_id": str(n), "quantity": 1, "amount": each} for n, each in enumerate(amounts, 1)]
        body = {"purchase_id": fresh("p"), "member_id": "ann", "currency": "CNY", "lines": lines}
        return {**body, "occurred_at": clock.show(self.now), **more}

    def return_of(self, *amounts: int) -> dict[str, Any]:
        """The body of a return of so much of each line."""
        lines = [{"line_id": str(n), "quantity": 1, "amount": each} for n, each in enumerate(amounts, 1)]
        return {"return_id": fresh("r"), "occurred_at": clock.show(self.now), "lines": lines}

    def give_back(self, purchase: dict[str, Any], *amounts: int) -> dict[str, Any]:
        path = f"/v1/purchases/{purchase['purchase_id']}/returns"
        return self.must(path, self.return_of(*amounts))  # type: ignore[no-any-return]

    # --- what others do meanwhile -----------------------------------------------------------------

    def wait(self, **span: int) -> None:
        """Let time pass."""
        self.now += timedelta(**span)
        answer = self.tenant.send("PUT", "/v1/test-clock", json={"now": clock.show(self.now)})
        assert answer.status_code == 200, answer.data

    def rate(self, rate: str, **more: Any) -> int:
        """Propose and approve a rate; its version."""
        wanted = {"rate": rate, "reason": "a test", **more}
        proposed = self.must("/v1/rates", wanted, status=202, role="operator")
        path = f"/v1/approvals/{proposed['approval_id']}/approve"
        version: int = self.must(path, status=200, role="approver")["result"]["version"]
        return version

    def terms(self, **terms: Any) -> None:
        """Other terms from now on."""
        answer = self.tenant.send("PUT", "/v1/program/terms", json=DEFAULT_TERMS | terms)
        assert answer.status_code == 200, answer.data

    # --- what can be read -------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        answer = self.tenant.send("GET", path)
        assert answer.status_code == 200, answer.data
        return answer.json

    def points(self, member: str = "ann") -> tuple[int, int, int]:
        """Available, held and owed."""
        found = self.get(f"/v1/members/{member}/balance")["points"]
        return found["available"], found["held"], found["debt"]

    def holds(self, query: str = "") -> Any:
        return self.get(f"/v1/members/ann/holds{query}")


def fresh(prefix: str) -> str:
    """A name that nothing else in this process has."""
    return f"{prefix}-{next(_numbers)}"


def fen(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY"}


def quote_of(price: int, points: int | None = None, **more: Any) -> dict[str, Any]:
    """The body of a quote."""
    wanted = {} if points is None else {"points": points}
    return {"member_id": "ann", "price": fen(price), **wanted, **more}


def hold_of(points: int | None = None, **more: Any) -> dict[str, Any]:
    """The body of a hold."""
    wanted = {} if points is None else {"points": points}
    return {"member_id": "ann", "reference": fresh("h"), **wanted, **more}


def redemption_of(points: int | None = None, **more: Any) -> dict[str, Any]:
    """The body of a redemption."""
    wanted = {} if points is None else {"points": points}
    return {"member_id": "ann", "reference": fresh("x"), **wanted, **more}


def capture_of(hold: dict[str, Any]) -> str:
    return f"/v1/holds/{hold['hold_id']}/capture"


def release_of(hold: dict[str, Any]) -> str:
    return f"/v1/holds/{hold['hold_id']}/release"


@contextmanager
def open_checkouts(cluster: Any, template: str) -> Iterator[WholeService]:
    """A service for the checkouts of a module; at the end the operator's own check finds nothing to say."""
    with open_service(cluster, template) as opened:
        yield opened
        with opened.owner.read() as connection:
            told = [found.told() for found in verify(connection) if not found.is_sound]
            assert told == [], told
