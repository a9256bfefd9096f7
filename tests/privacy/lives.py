"""Two members of a program, about one of whom something is said wherever a caller can say it."""

from dataclasses import dataclass, field
from typing import Any, Final

from ledger.finance.checkpoints.export import lines_of
from tests.whole_service import Tenant, WholeService, declared_routes, purchase_of, put_terms

NAME: Final = "Zhang-San-1987"
"""What may not be found any more: it fits ids as well as words."""
SAID: Final = f"for {NAME} of the tea house"
BEFORE: Final = "2026-10-30T12:00:00+08:00"


@dataclass
class Life:
    """What was sent, with its keys, so that it can be sent again."""

    service: WholeService
    tenant: Tenant
    sent: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = field(default_factory=dict)

    def send(self, key: str, path: str, body: dict[str, Any], role: str = "admin") -> dict[str, Any]:
        """Post under a key that is remembered here."""
        how: dict[str, Any] = {"headers": {"Idempotency-Key": key}, "role": role}
        answer = self.tenant.send("POST", path, json=body, **how)
        assert answer.status_code < 300, answer.data
        self.sent[key] = (path, body, how)
        found: dict[str, Any] = answer.json
        return found

    def again(self, key: str) -> Any:
        """The answer to the very same request."""
        path, body, how = self.sent[key]
        return self.tenant.send("POST", path, json=body, **how)

    def live(self) -> None:
        """Let m-1 have all that can be known and said; m-2 is a neighbour who only deals with him."""
        known = {"region": NAME, "store": NAME, "attributes": {"nickname": SAID, NAME: True}}
        assert self.tenant.send("PUT", "/v1/members/m-1", json=known).status_code == 201
        assert (
            self.tenant.send("PUT", "/v1/members/m-2", json={"attributes": {"vip": True}}).status_code == 201
        )
        self.send("buy", "/v1/purchases", {**purchase_of("m-1", "p-1"), "occurred_at": BEFORE})
        gift = self.award("m-1", "a-1", SAID)
        self.award("m-1", "a-2", "sorry")
        self.award("m-2", "a-3", "a gift for a neighbour")
        self.send("undo", f"/v1/entries/{gift}/reversal", {"reason": SAID})
        moved = {"from_member_id": "m-2", "to_member_id": "m-1", "points": 7, "reference": "t-1"}
        transfer = self.send("move", "/v1/transfers", moved)["entry_id"]
        self.send("move-back", f"/v1/entries/{transfer}/reversal", {"reason": SAID})
        activity = {"activity_id": "y-1", "member_id": "m-1", "type": "review", "occurred_at": BEFORE}
        self.send("act", "/v1/activities", {**activity, "attributes": {"text": SAID, NAME: 1}})
        brought = {**activity, "activity_id": "y-2", "member_id": "m-3", "type": "referral"}
        self.send("bring", "/v1/activities", {**brought, "attributes": {"referrer": "m-1"}})
        for done in ("freeze", "unfreeze"):
            locked = self.tenant.send("POST", f"/v1/members/m-1/{done}", json={"reason": SAID})
            assert locked.status_code == 200, locked.data
        self.adjust()
        self.overrun()
        batch = {
            "operation": "earning",
            "idempotency_key": "in-a-batch",
            "body": self.gift("m-1", "a-9", SAID),
        }
        done = self.tenant.send("POST", "/v1/batches", json={"operations": [batch]})
        assert [result["status"] for result in done.json["results"]] == [201], done.data

    def award(self, member_id: str, reference: str, reason: str) -> str:
        """The entry of an award."""
        return str(
            self.send(f"award-{reference}", "/v1/earnings", self.gift(member_id, reference, reason))[
                "entry_id"
            ]
        )

    def gift(self, member_id: str, reference: str, reason: str) -> dict[str, Any]:
        return {"member_id": member_id, "points": 50, "reason": reason, "reference": reference}

    def adjust(self) -> None:
        """Four proposals: approved by either route, rejected, and one that still waits."""
        made = []
        for number in range(4):
            wanted = {"member_id": "m-1", "points": 3, "reason": SAID}
            made.append(
                self.send(f"propose-{number}", "/v1/adjustments", wanted, "operator")["adjustment_id"]
            )
        self.send("approve", f"/v1/adjustments/{made[0]}/approve", {}, "approver")
        self.send("approve-too", f"/v1/approvals/{made[1].replace('adj_', 'apr_')}/approve", {}, "approver")
        self.send("reject", f"/v1/adjustments/{made[2]}/reject", {"reason": SAID}, "approver")
        self.waiting = made[3]

    def overrun(self) -> None:
        """A till takes more than there is, and somebody writes about whom he has asked."""
        terms = self.tenant.program.terms_object()
        put_terms(self.tenant, terms | {"offline": {"credit": 10_000}})
        offline = {"device_id": "d-1", "occurred_at": BEFORE}
        taken = {"member_id": "m-1", "points": 5_000, "reference": "w-1", "offline": offline}
        self.send("overrun", "/v1/redemptions", taken)
        put_terms(self.tenant, terms)
        (alert,) = self.tenant.send("GET", "/v1/alerts").json["data"]
        self.send("seen", f"/v1/alerts/{alert['alert_id']}/acknowledge", {"note": SAID})

    def erase(self, member_id: str = "m-1", **how: Any) -> Any:
        return self.tenant.send("POST", f"/v1/members/{member_id}/erase", **how)

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table, each column as text; bytes as the text that they hold."""
        with self.service.owner.read() as connection:
            tables = connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('rate_counts', 'audit_events', 'api_keys') ORDER BY 1"
            ).scalars()
            return {
                table: sorted(
                    str([_text(value) for value in row])
                    for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
                )
                for table in tables.all()
            }

    def naming(self) -> set[str]:
        """The tables in which the name is found: of all that there are."""
        with self.service.owner.read() as connection:
            tables = connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).scalars()
            return {
                table
                for table in tables.all()
                for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
                if any(NAME in _text(value) for value in row)
            }

    def journal(self) -> list[str]:
        """The lines of the journal, as they are exported for a stranger."""
        with self.service.owner.read() as connection:
            return list(lines_of(connection, self.tenant.program))

    def reads(self) -> dict[str, Any]:
        """What every route that reads answers, with all that is in this program."""
        facts = {
            "member_id": "m-1",
            "purchase_id": "p-1",
            "adjustment_id": self.waiting,
            "approval_id": self.waiting.replace("adj_", "apr_"),
            "device_id": "d-1",
        }
        found = {}
        for route in declared_routes():
            # The audit log tells of the erasure itself, which is there afterwards alone.
            is_asked = route.method == "GET" and route.scope != "public" and "audit" not in route.path
            if is_asked and route.path_names <= facts.keys():
                path = route.path.replace("<", "{").replace(">", "}").format(**facts)
                answer = self.tenant.send("GET", path)
                assert answer.status_code in (200, 404), (path, answer.data)
                found[path] = answer.get_json(silent=True) or answer.data.decode()
        return found


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
