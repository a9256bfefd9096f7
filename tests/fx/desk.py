"""A desk at which rates are proposed, approved and switched, over HTTP and by the clock of a test program."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ledger import clock
from ledger.access.keys import key_id_of
from ledger.access.register import create_key
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService

MONDAY = datetime(2026, 11, 1, 16, tzinfo=UTC)
"""Midnight of Monday, 2 November 2026, in Shanghai."""

_numbers = count(1)


@dataclass
class Desk:
    """A program with a clock, and the keys of its offices."""

    service: WholeService
    tenant: Tenant
    now: datetime = MONDAY

    def at(self, now: datetime) -> "Desk":
        """Move the clock forward."""
        self.now = now
        answer = self.tenant.send("PUT", "/v1/test-clock", json={"now": clock.show(now)})
        assert answer.status_code == 200, answer.data
        return self

    def later(self, **span: int) -> "Desk":
        return self.at(self.now + timedelta(**span))

    def add_key(self, name: str, role: str, region: str | None = None) -> str:
        """One more key under a name; its id."""
        made = self.service.owner.run(
            lambda connection: create_key(
                connection, self.tenant.program, role, now=clock.system_now(), region=region
            )
        )
        self.tenant.keys[name] = made.token
        return self.key_id(name)

    def key_id(self, name: str) -> str:
        found = key_id_of(self.tenant.keys[name])
        assert found is not None
        return found

    def get(self, path: str, role: str = "readonly") -> Any:
        answer = self.tenant.send("GET", path, role=role)
        assert answer.status_code == 200, answer.data
        return answer.json

    def propose(self, rate: str, role: str = "operator", **more: Any) -> Any:
        body = {"rate": rate, "reason": "the plan", **more}
        return self.tenant.send("POST", "/v1/rates", role=role, json=body)

    def proposed(self, rate: str, **more: Any) -> str:
        """The id of a proposal that must succeed."""
        answer = self.propose(rate, **more)
        assert answer.status_code == 202, answer.data
        return str(answer.json["approval_id"])

    def approve(self, approval_id: str, role: str = "approver") -> Any:
        return self.tenant.send("POST", f"/v1/approvals/{approval_id}/approve", role=role)

    def decided(self, approval_id: str, role: str = "approver") -> dict[str, Any]:
        """What came of an approval that must succeed."""
        answer = self.approve(approval_id, role)
        assert answer.status_code == 200, answer.data
        result: dict[str, Any] = answer.json["result"]
        return result

    def put_in_force(self, rate: str, **more: Any) -> dict[str, Any]:
        """A rate that goes all the way."""
        return self.decided(self.proposed(rate, **more))

    def switch(self, code: str, *, on: bool, role: str = "approver") -> Any:
        body = {"code": code, "on": on, "reason": "we want it so"}
        return self.tenant.send("PUT", "/v1/rates/band/switch", role=role, json=body)

    def current(self) -> Any:
        return self.get("/v1/rates/current")

    def recommendation(self) -> Any:
        return self.get("/v1/rates/recommendation")

    def versions(self) -> list[int]:
        return [each["version"] for each in self.get("/v1/rates?limit=200")["data"]]

    def week(self, issued: int, redeemed: int) -> "Desk":
        """One week goes by, in the midst of which so much is issued and redeemed."""
        self.later(days=3)
        number = next(_numbers)
        if issued:
            gift = {"member_id": "m-1", "points": issued, "reason": "gift", "reference": f"a-{number}"}
            self.tenant.post("/v1/earnings", gift)
        if redeemed:
            spent = {"member_id": "m-1", "points": redeemed, "reference": f"x-{number}"}
            self.tenant.post("/v1/redemptions", spent)
        return self.later(days=4)

    def turn_auto_on(self) -> dict[str, Any]:
        """Automatic changes by a proposal and two approvals."""
        self.add_key("second approver", "approver")
        asked = self.tenant.send("POST", "/v1/rates/band/auto", role="operator", json={"reason": "trust"})
        assert asked.status_code == 202, asked.data
        first = self.decided(asked.json["approval_id"])
        return self.decided(first["second_approval"], role="second approver")


def open_desk(service: WholeService, **band: Any) -> Desk:
    """A program of its own on that Monday, with keys of a region as well."""
    terms = DEFAULT_TERMS | ({"band": band} if band else {})
    tenant = service.tenant(f"rates {next(_numbers)}", is_test=True, test_now=MONDAY, terms=terms)
    desk = Desk(service, tenant)
    for role in ("operator", "approver"):
        desk.add_key(f"east {role}", role, "east")
    return desk


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data
    body: dict[str, Any] = answer.json
    return body


def faults(answer: Any) -> set[str]:
    """The fields that a refusal names."""
    return {fault["field"] for fault in refused(answer, 400, "invalid_request")["errors"]}
