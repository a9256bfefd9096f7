"""A controller's month: a test program over HTTP, its clock, purchases and redemptions, estimates, closes, reports."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import Connection

from ledger import clock
from ledger.access import ROLES
from ledger.access.register import create_key
from ledger.accounts.programs import create_program, find_program
from ledger.expiry.sweep import sweep
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService

MINOR = 100


def at(text: str) -> datetime:
    """A moment of the program's day, in Shanghai: ``2026-01-15`` is its noon."""
    return datetime.fromisoformat(f"{text}T12:00:00+08:00").astimezone(UTC)


def terms_earning(points: int, amount: int, **changes: Any) -> dict[str, Any]:
    """Terms by which ``amount`` minor units earn ``points``, which never end."""
    return (
        DEFAULT_TERMS
        | {"points": {"per": points, "amount": amount}, "points_expiry": {"kind": "never"}}
        | changes
    )


@dataclass
class Controller:
    """Does what a checkout, finance and an approver do, each with a key of its own, and is not refused."""

    tenant: Tenant
    numbers: Any = field(default_factory=lambda: count(1))

    @classmethod
    def of(
        cls, service: WholeService, name: str, terms: dict[str, Any], start: str, currency: str = "CNY"
    ) -> "Controller":
        """A controller of a new test program whose clock stands at noon of a day."""
        if currency == "CNY":
            return cls(service.tenant(name, is_test=True, test_now=at(start), terms=terms))
        return cls(_tenant_in(service, name, currency, terms, at(start)))

    def on(self, day: str) -> "Controller":
        """Move the clock to noon of a day."""
        return self.moved(at(day))

    def moved(self, now: datetime) -> "Controller":
        answer = self.tenant.send("PUT", "/v1/test-clock", role="operator", json={"now": now.isoformat()})
        assert answer.status_code == 200, answer.data
        return self

    def buy(self, amount: int, member: str = "m-1", **more: Any) -> dict[str, Any]:
        """A purchase of one line, in minor units, at the program's present."""
        number = next(self.numbers)
        body = {
            "purchase_id": f"p-{number}",
            "member_id": member,
            "occurred_at": more.pop("occurred_at", self.now),
            "currency": self.tenant.program.currency,
            "lines": [{"line_id": "1", "quantity": 10, "amount": amount}],
            **more,
        }
        return self.tenant.post("/v1/purchases", body)

    def give_back(self, purchase: dict[str, Any], amount: int, quantity: int = 1) -> dict[str, Any]:
        """A return of a part of a purchase, by price."""
        lines = [{"line_id": "1", "quantity": quantity, "amount": amount}]
        body = {"return_id": f"r-{next(self.numbers)}", "occurred_at": self.now, "lines": lines}
        return self.tenant.post(f"/v1/purchases/{purchase['purchase_id']}/returns", body)

    def redeem(self, points: int, member: str = "m-1", **more: Any) -> dict[str, Any]:
        body = {"member_id": member, "points": points, "reference": f"x-{next(self.numbers)}", **more}
        return self.tenant.post("/v1/redemptions", body)

    def quote(self, price: int, points: int, member: str = "m-1") -> str:
        """A quote of a price that is to be paid with points in part."""
        money = {"amount": price, "currency": self.tenant.program.currency}
        body = {"member_id": member, "price": money, "points": points}
        return str(self.tenant.post("/v1/quotes", body)["quote_id"])

    def refund(self, redemption: dict[str, Any], points: int) -> dict[str, Any]:
        body = {"points": points, "reference": f"f-{next(self.numbers)}"}
        return self.tenant.post(f"/v1/redemptions/{redemption['redemption_id']}/refunds", body)

    def award(self, points: int, member: str = "m-1") -> dict[str, Any]:
        body = {
            "member_id": member,
            "points": points,
            "reason": "gift",
            "reference": f"a-{next(self.numbers)}",
        }
        return self.tenant.post("/v1/earnings", body)

    def transfer(self, points: int, sender: str, recipient: str) -> dict[str, Any]:
        reference = f"t-{next(self.numbers)}"
        body = {"from_member_id": sender, "to_member_id": recipient, "points": points, "reference": reference}
        return self.tenant.post("/v1/transfers", body)

    def reverse(self, entry: dict[str, Any]) -> dict[str, Any]:
        return self.tenant.post(
            f"/v1/entries/{entry['entry_id']}/reversal", {"reason": "mistake"}, role="operator"
        )

    def adjust(self, points: int, member: str = "m-1") -> dict[str, Any]:
        """Points put right by hand: one key proposes, another approves."""
        wanted = {"member_id": member, "points": points, "reason": "a mistake"}
        made = self.tenant.send("POST", "/v1/adjustments", role="operator", json=wanted)
        assert made.status_code == 202, made.data
        return self.tenant.post(f"/v1/adjustments/{made.json['adjustment_id']}/approve", {}, role="approver")

    def hold(self, points: int, member: str = "m-1") -> str:
        body = {"member_id": member, "points": points, "reference": f"h-{next(self.numbers)}"}
        return str(self.tenant.post("/v1/holds", body)["hold_id"])

    def capture(self, hold_id: str, points: int) -> dict[str, Any]:
        return self.tenant.post(f"/v1/holds/{hold_id}/capture", {"points": points})

    def expire(self, service: WholeService) -> None:
        """Book what the clock has taken."""
        now = datetime.fromisoformat(self.now)
        with service.owner.read() as connection:
            program = find_program(connection, self.tenant.program.name)
        assert program is not None
        sweep(service.owner, program, now, now=now)

    @property
    def now(self) -> str:
        shown: str = self.tenant.send("GET", "/v1/program").json["now"]
        return shown

    def approved(self, path: str, body: dict[str, Any], role: str = "finance") -> dict[str, Any]:
        """What came of a proposal that another key approved."""
        proposed = self.tenant.send("POST", path, role=role, json=body)
        assert proposed.status_code == 202, proposed.data
        decision = f"/v1/approvals/{proposed.json['approval_id']}/approve"
        answer = self.tenant.send("POST", decision, role="approver")
        assert answer.status_code == 200, answer.data
        result: dict[str, Any] = answer.json["result"]
        return result

    def estimate(self, share: str | Decimal, cohort: str | None = None, **more: Any) -> dict[str, Any]:
        body = {
            "expected_redemption": f"{Decimal(share):f}",
            "method": "judgement",
            "reason": "asked to",
            **more,
        }
        return self.approved("/v1/estimates", body | ({"cohort": cohort} if cohort else {}))

    def policy(self, method: str, **more: Any) -> dict[str, Any]:
        return self.approved("/v1/deferral-policies", {"method": method, "reason": "asked to", **more})

    def rate(self, rate: str, **more: Any) -> dict[str, Any]:
        return self.approved("/v1/rates", {"rate": rate, "reason": "asked to", **more}, role="operator")

    def close(self, *periods: str) -> dict[str, Any]:
        """Soft-close and lock months, one after another; the pack of the last."""
        for period in periods:
            for step in ("soft-close", "lock"):
                answer = self.tenant.send("POST", f"/v1/periods/{period}/{step}", role="finance")
                assert answer.status_code == 200, answer.data
        pack: dict[str, Any] = self.read(f"/v1/periods/{periods[-1]}/pack")
        return pack

    def read(self, path: str, **query: str) -> Any:
        answer = self.tenant.send("GET", path, role="finance", query_string=query)
        assert answer.status_code == 200, answer.data
        return answer.json

    def deferral(self, **query: str) -> dict[str, Any]:
        report: dict[str, Any] = self.read("/v1/reports/deferral", **query)
        assert report["difference"] == 0
        return report

    def allocation(self, purchase: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.read(f"/v1/purchases/{purchase['purchase_id']}/allocation")
        return found

    def cohort(self, month: str, pool: str = "sale", **query: str) -> dict[str, Any]:
        """The line of one cohort in the deferral book."""
        found: dict[str, Any]
        (found,) = [
            each
            for each in self.deferral(**query)["cohorts"]
            if (each["cohort"], each["pool"]) == (month, pool)
        ]
        return found

    def liability(self, **query: str) -> dict[str, Any]:
        report: dict[str, Any] = self.read("/v1/reports/liability", **query)
        assert report["difference"] == 0
        return report


ROWS = (
    "deferred",
    "released_on_redemption",
    "released_on_expiry",
    "estimate_trueup",
    "issue_reversals",
    "transaction_price_changes",
    "revalued",
    "passed_on",
    "agent_fees",
)


def rows(report: dict[str, Any]) -> dict[str, int]:
    """The rows of a report or of a cohort that are not nothing."""
    return {name: report[name] for name in ROWS if report[name]}


def lines(report: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    """The journal lines of a report: row, debit, credit, minor units."""
    return [(line["row"], line["debit"], line["credit"], line["amount"]) for line in report["lines"]]


def balances(report: dict[str, Any]) -> dict[str, int]:
    """The accounts of a report that have a balance."""
    return {each["account"]: each["balance"] for each in report["balances"] if each["balance"]}


def _tenant_in(
    service: WholeService, name: str, currency: str, terms: dict[str, Any], test_now: datetime
) -> Tenant:
    """The tenant of a new test program in another currency, with the keys that a controller needs."""
    now = clock.system_now()

    def work(connection: Connection) -> Tenant:
        program = create_program(
            connection,
            name,
            currency=currency,
            timezone="Asia/Shanghai",
            terms=terms,
            now=now,
            is_test=True,
            test_now=test_now,
        )
        keys = {role: create_key(connection, program, role, now=now).token for role in ROLES}
        return Tenant(service.app, program, keys)

    return service.owner.run(work)


def released(report: dict[str, Any]) -> int:
    """What a report's period released in all: on redemption, by expiry and by truing up."""
    released_: int = (
        report["released_on_redemption"] + report["released_on_expiry"] - report["estimate_trueup"]
    )
    return released_


def months(first: str, last: str) -> list[str]:
    """The months from one to another."""
    year, month = (int(part) for part in first.split("-"))
    found = []
    while (name := f"{year}-{month:02d}") <= last:
        found.append(name)
        year, month = year + month // 12, month % 12 + 1
    return found
