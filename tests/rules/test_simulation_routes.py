"""Simulations over HTTP: the report, the progress, who may try what, and what is refused."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson
import pytest

from ledger.clock import system_now
from ledger.config import Settings
from ledger.rules.simulation.drafts import Draft, Selection
from ledger.rules.simulation.runs import Simulation
from tests.rules.test_rule_sets import add_key
from tests.rulesets import fixed, rule
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

NDJSON = "application/x-ndjson"
_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    """A program with a key of a region, and two purchases in its books, one of them in that region."""
    made = service.tenant(f"tried {next(_numbers)}")
    add_key(service, made, "east operator", "operator", "east")
    made.post("/v1/purchases", purchase_of("m-1", "p-1"))
    made.post("/v1/purchases", purchase_of("m-2", "p-2", 20_000) | {"region": "east", "store": "s-1"})
    return made


def tried(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rule_set": {"content": {"rules": list(rules)}}, **more}


def simulate(tenant: Tenant, body: dict[str, Any], *, role: str = "operator", **headers: str) -> Any:
    return tenant.send("POST", "/v1/simulations", role=role, json=body, headers=headers)


TWICE = rule("base", rate={"kind": "per_amount", "per": 2, "amount": 100})


def test_a_content_is_tried_against_the_rates_of_the_terms(tenant: Tenant) -> None:
    answer = simulate(tenant, tried(TWICE))
    assert answer.status_code == 200, answer.data
    report = answer.json
    assert report["totals"]["points"]["active"]["issued"] == 300
    assert report["totals"]["points"]["draft"]["issued"] == 600
    assert report["totals"]["growth"]["draft"]["issued"] == 0
    assert report["draft"] == {"owner": None, "version": None, "has_rules": True, "has_terms": False}
    assert {row["code"]: row["points"]["difference"] for row in report["regions"]} == {"": 100, "east": 200}
    assert {row["code"]: row["points"]["difference"] for row in report["stores"]} == {"": 100, "s-1": 200}
    assert [row["member_id"] for row in report["members"]["gain"]] == ["m-2", "m-1"]


def test_a_version_of_the_register_is_tried(tenant: Tenant) -> None:
    saved = tenant.post("/v1/rule-sets", {"content": {"rules": [TWICE]}}, role="operator")
    report = simulate(tenant, {"rule_set": {"version": saved["version"]}}).json
    assert report["draft"]["version"] == saved["version"]
    assert report["totals"]["points"]["draft"]["issued"] == 600


def test_lines_tell_the_progress_and_then_the_report(tenant: Tenant) -> None:
    answer = simulate(tenant, tried(TWICE), Accept=NDJSON)
    assert answer.status_code == 200 and answer.content_type == NDJSON
    *progress, report = map(orjson.loads, answer.data.splitlines())
    assert [set(line) for line in progress] == [{"progress"}] * len(progress)
    assert progress[-1] == {"progress": {"baskets": 2, "of": 2}}
    assert report == simulate(tenant, tried(TWICE)).json


def test_the_second_of_two_is_told_to_come_again(service: WholeService, tenant: Tenant) -> None:
    url = service.owner.engine.url.render_as_string(hide_password=False)
    first = Simulation(Settings(), url, tenant.program.name, Draft(), Selection(), system_now())
    try:
        for accept in ("application/json", NDJSON):
            busy = simulate(tenant, tried(TWICE), Accept=accept)
            assert (busy.status_code, busy.json["code"]) == (503, "overloaded")
            assert "Retry-After" in busy.headers
    finally:
        first.close()
    assert simulate(tenant, tried(TWICE)).status_code == 200


def test_nothing_is_written_over_http_either(service: WholeService, tenant: Tenant) -> None:
    before = service.rows()
    assert simulate(tenant, tried(TWICE)).status_code == 200
    assert service.rows() == before


def test_a_region_tries_its_own_rules_in_its_own_place(tenant: Tenant) -> None:
    own = {"rule_set": {"owner": "east", "content": {"rules": [fixed("east:bonus", 5)]}}}
    report = simulate(tenant, own, role="east operator").json
    assert report["selection"]["region"] == "east" and report["read"]["purchases"] == 1
    assert report["totals"]["points"]["difference"]["net"] == 5
    for body in (tried(TWICE), own | {"region": "west"}, {"terms": tenant.program.terms_object()}):
        refused = simulate(tenant, body, role="east operator")
        assert (refused.status_code, refused.json["code"]) == (403, "other_region")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rule_set": {"content": {"rules": [{}]}}}, "invalid_request"),
        ({"rule_set": {"version": 7}}, "rule_set_unknown"),
        (tried(rule("base", when="member.nothing == 1")), "invalid_request"),
        (tried(TWICE, sample_percent=0), "invalid_request"),
    ],
)
def test_what_cannot_be_tried_is_refused(tenant: Tenant, body: dict[str, Any], code: str) -> None:
    refused = simulate(tenant, body).json
    assert refused["code"] == code, refused


def test_with_nothing_to_try_or_nothing_to_try_it_on_there_is_no_difference(tenant: Tenant) -> None:
    report = simulate(tenant, {}).json
    assert report["totals"]["points"]["active"] == report["totals"]["points"]["draft"]
    assert report["totals"]["points"]["draft"]["issued"] == 300
    empty = simulate(
        tenant, tried(TWICE) | {"from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    ).json
    assert empty["read"]["purchases"] == empty["read"]["members"] == 0


def test_who_may_not_propose_may_not_try(tenant: Tenant) -> None:
    assert simulate(tenant, tried(TWICE), role="pos").status_code == 403
    assert simulate(tenant, tried(TWICE), role="readonly").status_code == 403


def test_terms_are_tried(tenant: Tenant) -> None:
    terms = tenant.program.terms_object()
    report = simulate(tenant, {"terms": terms | {"points": {"per": 3, "amount": 100}}}).json
    assert report["totals"]["points"]["draft"]["issued"] == 900
    assert report["draft"]["has_terms"] and not report["draft"]["has_rules"]
