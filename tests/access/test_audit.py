"""The audit log: every call that changes something leaves a row, and so does every denial; each says who and what."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import text

from ledger.access import PUBLIC
from ledger.access.audit_log import OWNER
from ledger.access.keys import key_id_of
from ledger.errors import Conflict, Gone, Refused, error_class
from tests.contract import test_walk
from tests.contract.conftest import tenant_with_history
from tests.shapes import pages
from tests.whole_service import Tenant, WholeService, purchase_of

PAGES: Final = {page.route.name: page for page in pages()}
PRIVATE: Final = [page for page in pages() if page.route.scope != PUBLIC]

# Routes by which nothing is written, though they take a body; a batch is told by its operations.
CHANGES_NOTHING: Final = {"simulate", "post_batch"}


@pytest.fixture
def tenant(service: WholeService, request: Any) -> Tenant:
    return service.tenant(request.node.name[:60])


def rows_of(tenant: Tenant, **wanted: str) -> list[dict[str, Any]]:
    """The whole log of a program, read page by page, without what nobody and the owner have done."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = tenant.send("GET", "/v1/audit-log", query_string={**wanted, **cursor, "limit": "200"})
        assert answer.status_code == 200, answer.data
        found += [row for row in answer.json["data"] if row["role"] not in (None, OWNER)]
        if answer.json["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json["next_cursor"]}


@dataclass
class Numbered(Tenant):
    """A program that numbers its requests, and knows what each was answered."""

    answers: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **arguments: Any) -> Any:
        number = f"walk-{len(self.answers)}"
        arguments["headers"] = {"X-Request-Id": number, **arguments.get("headers", {})}
        answer = super().send(method, path, **arguments)
        self.answers[number] = answer
        return answer


class NumberedWalk(test_walk.Walk):
    """A walk that remembers which of its requests was which step."""

    def step(self, name: str, *arguments: Any, **how: Any) -> Any:
        assert isinstance(self.tenant, Numbered)
        answer = super().step(name, *arguments, **how)
        self.tenant.names[list(self.tenant.answers)[-1]] = name
        return answer


def test_whatever_changes_something_leaves_one_row_that_says_who_and_what(service: WholeService) -> None:
    shop = tenant_with_history(service, "walked")
    walked = Numbered(shop.app, shop.program, shop.keys, shop.facts)
    test_walk.test_every_answer_has_the_shape_that_the_document_gives_it(NumberedWalk(walked))
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(shop):
        rows.setdefault(row["request_id"], []).append(row)
    for number, name in walked.names.items():
        answer, page, found = walked.answers[number], PAGES[name], rows.get(number, [])
        if page.route.method == "GET" or name in CHANGES_NOTHING or is_nothing(answer):
            assert all(row["action"] != name for row in found)
            continue
        (row,) = found
        assert (row["outcome"], row["action"], row["status"]) == ("done", name, answer.status_code)
        assert (row["principal"], row["role"]) == (key_of(answer, walked), role_of(answer, walked))
        assert (row["code"], row["times"]) == (None, 1)
        entry = answer.json.get("entry_id") if page.route.operation else None
        if page.route.operation is None and not page.route.takes_key:
            assert row["subject"] == answer.request.path
            assert row["after_hash"]
        elif entry is not None:
            assert row["subject"] == f"/v1/entries/{entry}"
    # Each way to change something was among them.
    changing = {page.route.name for page in PRIVATE if page.route.method != "GET"} - CHANGES_NOTHING
    # The walk's program has no shares to grant.
    changing -= {"top_up_shares"}
    assert {row["action"] for found in rows.values() for row in found} >= changing


def is_nothing(answer: Any) -> bool:
    """Whether nothing was written: it was rehearsed, or there was nothing to grant."""
    return bool(answer.request.args.get("dry_run") == "true" or answer.json == {"data": []})


def key_of(answer: Any, tenant: Tenant) -> str | None:
    return key_id_of(answer.request.headers["Authorization"].removeprefix("Bearer "))


def role_of(answer: Any, tenant: Tenant) -> str:
    token = answer.request.headers["Authorization"].removeprefix("Bearer ")
    return next(role for role, key in tenant.keys.items() if key == token)


def test_what_a_rule_of_the_business_refuses_is_there_as_often_as_it_is_remembered(tenant: Tenant) -> None:
    tenant.post("/v1/purchases", purchase_of("m-1", "p-1"))
    spend = {"member_id": "m-1", "points": 1_000_000, "reference": "x"}
    for _ in range(2):
        answer = tenant.send("POST", "/v1/redemptions", json=spend, headers={"Idempotency-Key": "once"})
    assert issubclass(error_class(answer.json["code"]), Refused | Conflict | Gone)
    (row,) = rows_of(tenant, outcome="refused")
    assert (row["action"], row["status"], row["code"]) == ("post_redemption", 422, "insufficient_points")
    assert (row["subject"], row["after_hash"]) == ("/v1/redemptions", None)
    assert rows_of(tenant, subject="/v1/redemptions") == [row]


def test_a_posting_is_told_by_its_place_in_the_chain(service: WholeService, tenant: Tenant) -> None:
    first, second = (tenant.post("/v1/purchases", purchase_of("m-1", f"p-{n}")) for n in (1, 2))
    hashes = [hash_of(service, each["entry_id"]) for each in (first, second)]
    newest, oldest = rows_of(tenant)
    assert (oldest["before_hash"], oldest["after_hash"]) == (None, hashes[0])
    assert (newest["before_hash"], newest["after_hash"]) == (hashes[0], hashes[1])


def hash_of(service: WholeService, entry_id: str) -> str:
    with service.owner.read() as connection:
        found = connection.execute(
            text("SELECT encode(hash, 'hex') FROM entries WHERE entry_id = :id"), {"id": entry_id[4:]}
        )
        return str(found.scalar_one())


def test_any_other_change_is_told_by_the_hash_of_its_answer_and_of_the_one_before(tenant: Tenant) -> None:
    answers = [tenant.send("PUT", "/v1/members/m-1", json={"region": region}) for region in ("east", "west")]
    newest, oldest = rows_of(tenant, subject="/v1/members/m-1")
    told = [sha256(orjson.dumps(each.json, option=orjson.OPT_SORT_KEYS)).hexdigest() for each in answers]
    assert [oldest["after_hash"], newest["after_hash"]] == told
    assert (oldest["before_hash"], newest["before_hash"]) == (None, told[0])
    assert (oldest["status"], newest["status"]) == (201, 200)


def test_what_fails_leaves_no_row(tenant: Tenant) -> None:
    for path, body in (
        ("/v1/approvals/apr_1/reject", {"reason": "no"}),
        ("/v1/redemptions", {"member_id": "nobody", "points": 1, "reference": "x"}),
        ("/v1/redemptions", {"member_id": "nobody", "points": -1, "reference": "x"}),
    ):
        assert tenant.send("POST", path, json=body).status_code in (400, 404)
    assert rows_of(tenant) == []


def test_a_rehearsal_leaves_no_row_and_a_replay_no_second(tenant: Tenant) -> None:
    bought = purchase_of("m-1", "p-1")
    assert tenant.send("POST", "/v1/purchases?dry_run=true", json=bought).status_code == 201
    price = {"amount": 1_000, "currency": "CNY"}
    for _ in range(2):
        tenant.post("/v1/purchases", bought, headers={"Idempotency-Key": "once"})
    quote = {"member_id": "m-1", "price": price, "points": 10}
    assert tenant.send("POST", "/v1/quotes?dry_run=true", json=quote).status_code == 201
    assert [row["action"] for row in rows_of(tenant)] == ["post_purchase"]


def test_a_quote_without_a_key_is_there_as_well(tenant: Tenant) -> None:
    tenant.post("/v1/earnings", {"member_id": "m-1", "points": 500, "reason": "gift", "reference": "a"})
    quote = {"member_id": "m-1", "price": {"amount": 1_000, "currency": "CNY"}, "points": 100}
    for _ in range(2):
        tenant.post("/v1/quotes", quote, headers={"Idempotency-Key": None})
    assert [row["action"] for row in rows_of(tenant)] == ["post_quote", "post_quote", "post_earning"]


def test_a_batch_is_told_by_its_operations(tenant: Tenant) -> None:
    tenant.post("/v1/purchases", purchase_of("m-1", "p-1"), role="pos")
    operations = [
        {
            "operation": "redemption",
            "idempotency_key": f"b-{points}",
            "body": {"member_id": "m-1", "points": points, "reference": f"b-{points}"},
        }
        for points in (1, 1_000_000)
    ]
    tenant.send("POST", "/v1/batches", json={"operations": operations}, role="pos")
    found = rows_of(tenant, action="post_redemption", principal=str(key_id_of(tenant.keys["pos"])))
    assert sorted((row["outcome"], row["status"]) for row in found) == [("done", 201), ("refused", 422)]


def test_the_log_is_read_page_by_page_and_by_whatever_it_says(tenant: Tenant) -> None:
    for number in range(3):
        tenant.post("/v1/purchases", purchase_of("m-1", f"p-{number}"), role="pos")
        tenant.send("PUT", f"/v1/members/m-{number}", json={"store": "s"}, role="operator")
        tenant.send("GET", "/v1/audit-log", role="pos")
    everything = rows_of(tenant)
    assert len(everything) == 9
    assert everything == sorted(everything, key=lambda row: row["recorded_at"], reverse=True)
    cursor: dict[str, str] = {}
    paged: list[dict[str, Any]] = []
    for _ in range(9):
        answer = tenant.send("GET", "/v1/audit-log", query_string={"limit": 1, **cursor}).json
        paged += answer["data"]
        cursor = {"cursor": answer["next_cursor"]}
    assert paged == everything
    middle = everything[4]
    for name in ("principal", "subject", "action", "outcome"):
        value = middle[name]
        alike = [row for row in everything if row[name] == value]
        assert rows_of(tenant, **{name: value}) == alike
        assert 0 < len(alike) < len(everything)
    for row in everything:
        assert row in rows_of(tenant, subject=row["subject"])
    since, until = {"from": middle["recorded_at"]}, {"to": middle["recorded_at"]}
    assert rows_of(tenant, **since) == everything[:5]
    assert rows_of(tenant, **until) == everything[5:]
    assert rows_of(tenant, **since, **until) == []


@pytest.mark.parametrize("role", ["pos", "checkout", "operator", "approver", "readonly"])
def test_only_finance_reads_it(tenant: Tenant, role: str) -> None:
    answer = tenant.send("GET", "/v1/audit-log", role=role)
    assert (answer.status_code, answer.json["required_scope"]) == (403, "finance")
    assert tenant.send("GET", "/v1/audit-log", role="finance").status_code == 200


@pytest.mark.parametrize("cursor", ["VQ", "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV", "x"])
def test_a_cursor_that_nobody_was_given_is_refused(tenant: Tenant, cursor: str) -> None:
    assert tenant.send("GET", "/v1/audit-log", query_string={"cursor": cursor}).status_code == 400


def test_another_programs_rows_are_nowhere(service: WholeService, tenant: Tenant) -> None:
    other = service.tenant("other of the log")
    bought = other.post("/v1/purchases", purchase_of("m-1", "p-1"))
    other.send("PUT", "/v1/members/m-1", json={"store": "s"})
    other.send("GET", "/v1/audit-log", role="pos")
    (_, change, posting) = rows_of(other)
    assert rows_of(tenant) == []
    for row in (change, posting):
        assert rows_of(tenant, subject=row["subject"]) == []
        assert rows_of(tenant, principal=row["principal"]) == []
    assert posting["subject"] == f"/v1/entries/{bought['entry_id']}"
