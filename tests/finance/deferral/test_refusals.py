"""What policies and estimates are refused for; and nothing comes of what is refused."""

from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from ledger import clock
from ledger.access.register import create_key
from tests.finance.deferral.controller import Controller, terms_earning
from tests.whole_service import WholeService

ESTIMATE = {"cohort": "2026-01", "expected_redemption": "0.9", "method": "judgement", "reason": "asked to"}
POLICY = {"method": "deferral_relative_ssp", "unit_value": "0.01", "reason": "asked to"}


@pytest.fixture(scope="module")
def books(service: WholeService) -> Controller:
    """A program whose January is locked, and which has measured a purchase of February."""
    opened = Controller.of(service, "refusing", terms_earning(1, 100), "2026-01-05")
    opened.buy(10_000)
    opened.on("2026-02-05").close("2026-01")
    opened.buy(10_000)
    return opened


def registered(books: Controller) -> list[Any]:
    return [books.read("/v1/estimates"), books.read("/v1/deferral-policies")]


def refused(books: Controller, path: str, body: dict[str, Any], role: str = "finance") -> dict[str, Any]:
    """The problem that comes of a proposal; nothing else does."""
    before = registered(books)
    answer = books.tenant.send("POST", path, role=role, json=body)
    assert answer.status_code >= 400, answer.data
    assert registered(books) == before
    problem: dict[str, Any] = answer.json
    return problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expected_redemption": "0"}, "expected_redemption"),
        ({"expected_redemption": "1.000001"}, "expected_redemption"),
        ({"expected_redemption": "-0.5"}, "expected_redemption"),
        ({"expected_redemption": 0.5}, "expected_redemption"),
        ({"expected_redemption": "0.1234567890123"}, "expected_redemption"),
        ({"cohort": "2026-13"}, "cohort"),
        ({"cohort": "2026-01-01"}, "cohort"),
        ({"applies_from": "soon"}, "applies_from"),
        ({"method": ""}, "method"),
        ({"reason": None}, "reason"),
        ({"approver": "somebody"}, "approver"),
    ],
)
def test_an_estimate_that_says_no_share_is_refused(
    books: Controller, change: dict[str, Any], field: str
) -> None:
    problem = refused(books, "/v1/estimates", ESTIMATE | {"applies_from": "2026-02"} | change)
    assert (problem["status"], problem["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "fifo"}, "method"),
        ({"method": "agent_net"}, "settlement_price"),
        ({"settlement_price": "0.005"}, "settlement_price"),
        ({"unit_value": "0"}, "unit_value"),
        ({"unit_cost": "0"}, "unit_cost"),
        ({"tax_rate": "1"}, "tax_rate"),
        ({"share_decimals": 0}, "share_decimals"),
        ({"share_decimals": 13}, "share_decimals"),
        ({"unit_value": 0.01}, "unit_value"),
        ({"approved_by": "me"}, "approved_by"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(books: Controller, change: dict[str, Any], field: str) -> None:
    problem = refused(books, "/v1/deferral-policies", POLICY | {"applies_from": "2026-03"} | change)
    assert (problem["status"], problem["errors"][0]["field"]) == (400, field)


def test_a_locked_month_takes_no_estimate_and_no_policy(books: Controller) -> None:
    for path, body in (("/v1/estimates", ESTIMATE), ("/v1/deferral-policies", POLICY)):
        problem = refused(books, path, body | {"applies_from": "2026-01"})
        assert (problem["status"], problem["code"]) == (409, "period_closed")
        assert (problem["period"], problem["first_open"]) == ("2026-01", "2026-02")


def test_a_policy_reaches_no_purchase_that_another_has_measured(books: Controller) -> None:
    problem = refused(books, "/v1/deferral-policies", POLICY | {"applies_from": "2026-02"})
    assert problem["code"] == "policy_in_use"
    assert problem["last_measured"] == "2026-02"


@pytest.mark.parametrize("role", ["pos", "checkout", "readonly", "operator"])
def test_who_keeps_no_books_proposes_nothing(books: Controller, role: str) -> None:
    for path, body in (("/v1/estimates", ESTIMATE), ("/v1/deferral-policies", POLICY)):
        assert refused(books, path, body | {"applies_from": "2026-03"}, role)["status"] == 403


@pytest.mark.parametrize("role", ["pos", "checkout"])
def test_who_keeps_no_books_reads_none(books: Controller, role: str) -> None:
    for path in (
        "/v1/reports/deferral",
        "/v1/reports/liability",
        "/v1/estimates",
        "/v1/purchases/p-1/allocation",
    ):
        assert books.tenant.send("GET", path, role=role).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/estimates", ESTIMATE), ("/v1/deferral-policies", POLICY)],
    ids=["estimate", "policy"],
)
def test_nobody_approves_a_proposal_of_his_own(books: Controller, path: str, body: dict[str, Any]) -> None:
    before = registered(books)
    body = body | {"applies_from": "2026-03"}
    proposed = books.tenant.send("POST", path, role="admin", json=body)
    assert proposed.status_code == 202
    decision = f"/v1/approvals/{proposed.json['approval_id']}/approve"
    answer = books.tenant.send("POST", decision, role="admin")
    assert (answer.status_code, answer.json["code"]) == (403, "self_approval")
    assert registered(books) == before


def test_what_was_locked_or_measured_meanwhile_is_refused_at_the_approval(service: WholeService) -> None:
    books = Controller.of(service, "meanwhile", terms_earning(1, 100), "2026-01-05")
    waiting = [
        books.tenant.send(
            "POST", "/v1/estimates", role="finance", json=ESTIMATE | {"applies_from": "2026-01"}
        ),
        books.tenant.send("POST", "/v1/deferral-policies", role="finance", json=POLICY),
    ]
    before = registered(books)
    books.buy(10_000)
    policy = books.tenant.send(
        "POST", f"/v1/approvals/{waiting[1].json['approval_id']}/approve", role="approver"
    )
    assert policy.json["code"] == "policy_in_use"
    books.on("2026-02-05").close("2026-01")
    for proposal in waiting:
        answer = books.tenant.send(
            "POST", f"/v1/approvals/{proposal.json['approval_id']}/approve", role="approver"
        )
        assert (answer.status_code, answer.json["code"]) == (409, "period_closed")
    assert registered(books) == before


def test_the_same_proposal_again_is_the_one_that_waits(service: WholeService) -> None:
    books = Controller.of(service, "twice", terms_earning(1, 100), "2026-01-05")
    first, second = (
        books.tenant.send("POST", "/v1/estimates", role="finance", json=ESTIMATE) for _ in range(2)
    )
    assert first.json["approval_id"] == second.json["approval_id"]


def test_a_version_says_who_proposed_and_who_approved_it_and_never_changes(service: WholeService) -> None:
    books = Controller.of(service, "versions", terms_earning(1, 100), "2026-01-05")
    books.estimate("0.9", "2026-01", inputs={"triangle": "2025-12"})
    (first,) = books.read("/v1/estimates")["data"]
    books.estimate("0.8", "2026-01")
    second, again = books.read("/v1/estimates")["data"]
    assert (first, second["version"]) == (again, 2)
    assert first["proposed_by"] != first["approved_by"]
    assert (first["expected_redemption"], first["inputs"]) == ("0.9", {"triangle": "2025-12"})
    with pytest.raises(ProgrammingError, match="the books are append-only"):
        service.owner.run(lambda connection: connection.exec_driver_sql("UPDATE estimates SET reason = 'x'"))


def test_the_key_of_a_region_proposes_nothing_for_the_whole_program(service: WholeService) -> None:
    books = Controller.of(service, "regions", terms_earning(1, 100), "2026-01-05")
    program, now = books.tenant.program, clock.system_now()
    books.tenant.keys["east"] = service.owner.run(
        lambda connection: create_key(connection, program, "finance", now=now, region="east").token
    )
    for path, body in (("/v1/estimates", ESTIMATE), ("/v1/deferral-policies", POLICY)):
        problem = refused(books, path, body, "east")
        assert (problem["status"], problem["code"]) == (403, "other_region")


def test_the_allocation_of_a_purchase_that_there_is_not(books: Controller) -> None:
    answer = books.tenant.send("GET", "/v1/purchases/p-none/allocation", role="finance")
    assert (answer.status_code, answer.json["code"]) == (404, "purchase_unknown")
