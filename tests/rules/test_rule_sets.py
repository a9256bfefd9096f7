"""The life of a rule set over HTTP: draft, proposal, approval, in force, switched off, rolled back, promoted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from ledger import clock
from ledger.access.register import create_key
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

_numbers = count(1)
NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    """A test program at noon, with keys of two regions."""
    made = service.tenant(f"rules {next(_numbers)}", is_test=True, test_now=NOON)
    for region in ("east", "west"):
        for role in ("operator", "approver"):
            add_key(service, made, f"{region} {role}", role, region)
    return made


def add_key(service: WholeService, tenant: Tenant, name: str, role: str, region: str | None = None) -> None:
    now = clock.system_now()
    made = service.owner.run(
        lambda connection: create_key(connection, tenant.program, role, now=now, region=region)
    )
    tenant.keys[name] = made.token


def rule(code: str = "base", amount: int = 100, **more: Any) -> dict[str, Any]:
    """A rule that gives a point for each so many minor units."""
    return {"code": code, "unit": "POINT", "rate": {"kind": "per_amount", "per": 1, "amount": amount}, **more}


def rules(*each: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(each), **more}


def post(tenant: Tenant, path: str, body: Any = None, role: str = "operator") -> Any:
    return tenant.send("POST", path, role=role, json=body)


def draft(tenant: Tenant, content: dict[str, Any], owner: str | None = None, role: str = "operator") -> Any:
    """What saving that content answers."""
    body = {"content": content} | ({"owner": owner} if owner else {})
    return post(tenant, "/v1/rule-sets", body, role)


def saved(tenant: Tenant, content: dict[str, Any], owner: str | None = None, role: str = "operator") -> int:
    """The version of a new draft."""
    answer = draft(tenant, content, owner, role)
    assert answer.status_code == 201, answer.data
    return int(answer.json["version"])


def about(owner: str | None, **more: Any) -> dict[str, Any]:
    return ({"owner": owner} if owner else {}) | more


def proposed(
    tenant: Tenant, version: int, owner: str | None = None, role: str = "operator", **more: Any
) -> str:
    """The id of a proposal to put a version in force."""
    answer = post(tenant, f"/v1/rule-sets/{version}/proposals", about(owner, **more), role)
    assert answer.status_code == 202, answer.data
    return str(answer.json["approval_id"])


def approve(tenant: Tenant, approval_id: str, role: str = "approver") -> Any:
    return post(tenant, f"/v1/approvals/{approval_id}/approve", {}, role)


def in_force(tenant: Tenant, content: dict[str, Any], owner: str | None = None, **more: Any) -> int:
    """The version of a new content that has gone all the way."""
    version = saved(tenant, content, owner)
    answer = approve(tenant, proposed(tenant, version, owner, **more))
    assert answer.status_code == 200, answer.data
    return version


def activate(
    tenant: Tenant, version: int, owner: str | None = None, role: str = "approver", **more: Any
) -> Any:
    body = about(owner, reason="the new one was wrong", **more)
    return post(tenant, f"/v1/rule-sets/{version}/activations", body, role)


def get(tenant: Tenant, path: str) -> Any:
    answer = tenant.send("GET", path, role="readonly")
    assert answer.status_code == 200, answer.data
    return answer.json


def status(tenant: Tenant, version: int, owner: str | None = None) -> str:
    query = f"?owner={owner}" if owner else ""
    return str(get(tenant, f"/v1/rule-sets/{version}{query}")["status"])


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data
    body: dict[str, Any] = answer.json
    return body


def faults(answer: Any) -> dict[str, str]:
    """The fields that a refusal names."""
    refused(answer, 400, "invalid_request")
    return {fault["field"]: fault["message"] for fault in answer.json["errors"]}


def move_clock(tenant: Tenant, now: datetime) -> None:
    answer = tenant.send("PUT", "/v1/test-clock", json={"now": clock.show(now)})
    assert answer.status_code == 200, answer.data


def states(tenant: Tenant, region: str | None = None, kind: str = "rules") -> dict[tuple[str, str], str]:
    """Of everything that a place has, by code and owner, whether it counts."""
    query = f"?region={region}" if region else ""
    shown = get(tenant, f"/v1/rules{query}")[kind]
    return {(each["code"], each["owner"] or "-"): each["state"] for each in shown}


def stamp(service: WholeService, tenant: Tenant) -> Any:
    """What changes with everything that decides postings."""
    query = text("SELECT stamp FROM programs WHERE program_id = :program")
    with service.owner.read() as connection:
        return connection.execute(query, {"program": tenant.program.program_id}).scalar_one()


# --- drafts --------------------------------------------------------------------------------------


def test_a_draft_is_a_version_that_decides_nothing(service: WholeService, tenant: Tenant) -> None:
    before = stamp(service, tenant)
    answer = draft(tenant, rules(rule()))
    assert answer.status_code == 201
    assert answer.json == {
        "owner": None,
        "version": 1,
        "content_hash": answer.json["content_hash"],
        "status": "draft",
        "made_by": answer.json["made_by"],
        "recorded_at": clock.show(NOON),
        "active_from": None,
        "approval_id": None,
        "content": rules(rule()),
    }
    assert get(tenant, "/v1/rule-sets/1") == answer.json
    assert get(tenant, "/v1/rules")["sets"] == [{"owner": None, "version": 1, "active_from": None}]
    assert stamp(service, tenant) == before


def test_the_same_content_is_the_same_version_however_it_is_written(tenant: Tenant) -> None:
    first = draft(tenant, rules(rule()))
    backwards = dict(reversed(rule().items()))
    again = draft(tenant, rules(backwards), role="admin")
    assert (again.status_code, again.json) == (200, first.json)
    assert draft(tenant, rules(rule(amount=99))).json["version"] == 2
    assert draft(tenant, rules(rule())).json["version"] == 1


def test_each_owner_counts_versions_of_his_own(tenant: Tenant) -> None:
    assert [saved(tenant, rules(rule(amount=n))) for n in (1, 2, 3)] == [1, 2, 3]
    assert [saved(tenant, rules(rule("east:a", n)), "east") for n in (1, 2)] == [1, 2]
    assert saved(tenant, rules(rule("west:a")), "west") == 1


def test_versions_are_listed_newest_first_page_by_page(tenant: Tenant) -> None:
    for n in range(1, 6):
        saved(tenant, rules(rule(amount=n)))
    saved(tenant, rules(rule("east:a")), "east")
    found: list[int] = []
    query = "limit=2"
    while query:
        page = get(tenant, f"/v1/rule-sets?{query}")
        found += [each["version"] for each in page["data"]]
        assert not [each for each in page["data"] if "content" in each]
        query = f"limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert found == [5, 4, 3, 2, 1]
    assert [each["owner"] for each in get(tenant, "/v1/rule-sets?owner=east")["data"]] == ["east"]
    assert get(tenant, "/v1/rule-sets?owner=west") == {"data": [], "next_cursor": None}


def test_an_unknown_version_is_told_by_owner_and_number(tenant: Tenant) -> None:
    saved(tenant, rules(rule()))
    for path in ("/v1/rule-sets/2", "/v1/rule-sets/1?owner=east"):
        refused(tenant.send("GET", path), 404, "rule_set_unknown")
    told = refused(post(tenant, "/v1/rule-sets/7/proposals", {"owner": "east"}), 404, "rule_set_unknown")
    assert (told["owner"], told["version"]) == ("east", 7)


def test_versions_of_another_program_are_nowhere(service: WholeService, tenant: Tenant) -> None:
    other = service.tenant(f"other {next(_numbers)}")
    in_force(other, rules(rule(amount=7)))
    refused(tenant.send("GET", "/v1/rule-sets/1"), 404, "rule_set_unknown")
    refused(post(tenant, "/v1/rule-sets/1/proposals", {}), 404, "rule_set_unknown")
    refused(activate(tenant, 1), 404, "rule_set_unknown")
    assert get(tenant, "/v1/rules")["rules"][0]["definition"]["rate"]["amount"] == 100


def test_every_fault_is_named_by_its_place_and_conditions_by_their_position(tenant: Tenant) -> None:
    wrong = rules(
        rule("a", when='purchase.amount > "many"'),
        rule("b", when="purchase.colour == 1"),
        rule("c", unit="STONE"),
        {"code": "d", "unit": "POINT"},
        rule("e", surprise=1),
    )
    found = faults(draft(tenant, wrong))
    for field in (
        "content.rules.0.when",
        "content.rules.1.when",
        "content.rules.2.unit",
        "content.rules.3.rate",
        "content.rules.4.surprise",
    ):
        assert field in found, found
    assert "1:17" in found["content.rules.0.when"] or "17" in found["content.rules.0.when"]
    assert "colour" in found["content.rules.1.when"]
    assert get(tenant, "/v1/rule-sets")["data"] == []


@pytest.mark.parametrize("amount", ["1.5", "1e2", '"100"', "true", "null", "0", "-1", "9007199254740992"])
def test_a_rate_is_an_exact_number(tenant: Tenant, amount: str) -> None:
    body = orjson.dumps({"content": rules(rule())}).replace(b'"amount":100', b'"amount":' + amount.encode())
    answer = tenant.send_raw("POST", "/v1/rule-sets", body, role="operator")
    assert list(faults(answer)) == ["content.rules.0.rate.amount"]


@pytest.mark.parametrize("role", ["pos", "checkout", "finance", "approver", "readonly"])
def test_only_those_who_propose_save_drafts(tenant: Tenant, role: str) -> None:
    assert refused(draft(tenant, rules(rule()), role=role), 403, "forbidden")["required_scope"] == "propose"


def test_what_conditions_may_speak_of_is_published(tenant: Tenant) -> None:
    named = {each["name"]: each for each in get(tenant, "/v1/rules/schema")["variables"]}
    assert (named["purchase.amount"]["type"], named["purchase.amount"]["scope"]) == ("int", "event")
    assert named["line.sku"]["scope"] == "line"
    assert all(each["en"] and each["zh"] for each in named.values())


# --- proposals, approvals, activations -----------------------------------------------------------


def test_a_version_comes_into_force_when_another_key_approves(service: WholeService, tenant: Tenant) -> None:
    version = saved(tenant, rules(rule("half", 50)))
    before = stamp(service, tenant)
    approval_id = proposed(tenant, version)
    assert status(tenant, version) == "proposed"
    waiting = get(tenant, f"/v1/approvals/{approval_id}")
    assert (waiting["kind"], waiting["subject"]) == ("rule_set", "1")
    assert waiting["content"] == {
        "region": None,
        "version": 1,
        "content_hash": get(tenant, "/v1/rule-sets/1")["content_hash"],
        "active_from": None,
    }
    assert states(tenant) == {("base", "-"): "on"}
    answer = approve(tenant, approval_id)
    assert answer.json["result"] == {"owner": None, "version": 1, "active_from": clock.show(NOON)}
    assert status(tenant, version) == "active"
    assert get(tenant, "/v1/rules")["sets"] == [answer.json["result"]]
    assert states(tenant) == {("half", "-"): "on"}
    assert stamp(service, tenant) != before


def test_nobody_puts_his_own_version_in_force(service: WholeService, tenant: Tenant) -> None:
    version = saved(tenant, rules(rule()), role="admin")
    approval_id = proposed(tenant, version, role="admin")
    before = stamp(service, tenant)
    refused(approve(tenant, approval_id, "admin"), 403, "self_approval")
    refused(activate(tenant, version, role="admin"), 409, "rule_set_not_approved")
    assert (status(tenant, version), stamp(service, tenant)) == ("proposed", before)


def test_the_same_proposal_is_made_once_while_it_waits(tenant: Tenant) -> None:
    version = saved(tenant, rules(rule()))
    first = proposed(tenant, version)
    assert proposed(tenant, version) == first
    later = proposed(tenant, version, active_from=clock.show(NOON + timedelta(days=1)))
    assert later != first
    post(tenant, f"/v1/approvals/{first}/reject", {"reason": "no"}, "approver")
    assert proposed(tenant, version) not in (first, later)


def test_a_rejected_version_stays_out_and_may_be_proposed_again(tenant: Tenant) -> None:
    version = saved(tenant, rules(rule()))
    rejected = proposed(tenant, version)
    post(tenant, f"/v1/approvals/{rejected}/reject", {"reason": "too much"}, "approver")
    assert status(tenant, version) == "rejected"
    refused(activate(tenant, version), 409, "rule_set_not_approved")
    assert approve(tenant, proposed(tenant, version)).status_code == 200
    assert status(tenant, version) == "active"


def test_a_version_waits_for_its_date_and_then_takes_over(tenant: Tenant) -> None:
    tomorrow = NOON + timedelta(days=1)
    first = in_force(tenant, rules(rule("first")))
    second = in_force(tenant, rules(rule("second")), active_from=clock.show(tomorrow))
    assert (status(tenant, first), status(tenant, second)) == ("active", "approved")
    assert get(tenant, "/v1/rules")["upcoming"] == [
        {"owner": None, "version": second, "active_from": clock.show(tomorrow)}
    ]
    move_clock(tenant, tomorrow)
    assert (status(tenant, first), status(tenant, second)) == ("superseded", "active")
    assert states(tenant) == {("second", "-"): "on"}
    assert get(tenant, "/v1/rules")["upcoming"] == []


def test_an_approval_that_comes_late_changes_nothing_before_it(tenant: Tenant) -> None:
    tomorrow, day_after = NOON + timedelta(days=1), NOON + timedelta(days=2)
    version = saved(tenant, rules(rule()))
    approval_id = proposed(tenant, version, active_from=clock.show(tomorrow))
    move_clock(tenant, day_after)
    assert approve(tenant, approval_id).json["result"]["active_from"] == clock.show(day_after)


@pytest.mark.parametrize("way", ["proposals", "activations"])
def test_nothing_comes_into_force_in_the_past(tenant: Tenant, way: str) -> None:
    version = in_force(tenant, rules(rule()))
    past = clock.show(NOON - timedelta(microseconds=1))
    body = {"active_from": past} | ({"reason": "x"} if way == "activations" else {})
    told = refused(post(tenant, f"/v1/rule-sets/{version}/{way}", body, "admin"), 422, "active_from_past")
    assert (told["active_from"], told["now"]) == (past, clock.show(NOON))


def test_the_way_back_is_one_call(service: WholeService, tenant: Tenant) -> None:
    first, second = in_force(tenant, rules(rule("first"))), in_force(tenant, rules(rule("second")))
    before = stamp(service, tenant)
    answer = activate(tenant, first)
    assert (answer.status_code, answer.json) == (
        201,
        {"owner": None, "version": first, "active_from": clock.show(NOON)},
    )
    assert (status(tenant, first), status(tenant, second)) == ("active", "superseded")
    assert states(tenant) == {("first", "-"): "on"}
    assert stamp(service, tenant) != before
    with service.owner.read() as connection:
        query = "SELECT reason FROM rule_activations WHERE program_id = %s ORDER BY activation_id"
        kept = connection.exec_driver_sql(query, (tenant.program.program_id,)).scalars().all()
    assert kept == [None, None, "the new one was wrong"]


def test_an_operator_cannot_go_back_alone(tenant: Tenant) -> None:
    version = in_force(tenant, rules(rule()))
    refused(activate(tenant, version, role="operator"), 403, "forbidden")


def test_a_purchase_is_judged_by_what_is_in_force(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("double", 50)))
    bought = purchase_of("m-1", "p-1") | {"occurred_at": clock.show(NOON)}
    posted = tenant.post("/v1/purchases", bought)
    assert [(award["rule"], award["rule_version"], award["amount"]) for award in posted["awards"]] == [
        ("double", 1, 200)
    ]
    tenant.send("PUT", "/v1/rules/double/switch", json={"on": False, "reason": "too much"})
    assert tenant.post("/v1/purchases", bought | {"purchase_id": "p-2"})["awards"] == []


# --- the kill switch -----------------------------------------------------------------------------


def turn(tenant: Tenant, kind: str, code: str, on: bool, role: str = "operator") -> Any:
    body = {"on": on, "reason": "it gives too much"}
    return tenant.send("PUT", f"/v1/{kind}/{code}/switch", role=role, json=body)


def test_a_rule_is_switched_off_and_on_in_one_call(service: WholeService, tenant: Tenant) -> None:
    in_force(tenant, rules(rule("a"), rule("b")))
    stamps = [stamp(service, tenant)]
    answer = turn(tenant, "rules", "a", False)
    assert answer.status_code == 200
    assert answer.json == {
        "kind": "rule",
        "code": "a",
        "on": False,
        "reason": "it gives too much",
        "switched_by": answer.json["switched_by"],
        "switched_at": clock.show(NOON),
    }
    assert states(tenant) == {("a", "-"): "off", ("b", "-"): "on"}
    assert get(tenant, "/v1/rules")["switched_off"] == {"rules": ["a"], "campaigns": []}
    stamps.append(stamp(service, tenant))
    assert turn(tenant, "rules", "a", True).json["on"] is True
    assert states(tenant) == {("a", "-"): "on", ("b", "-"): "on"}
    stamps.append(stamp(service, tenant))
    assert len(set(stamps)) == 3


def test_a_campaign_goes_off_with_its_rules(tenant: Tenant) -> None:
    spring = {"code": "spring", "name": {"en": "Spring", "zh": "春季"}}
    in_force(tenant, rules(rule("a", campaign="spring"), rule("b"), campaigns=[spring]))
    turn(tenant, "campaigns", "spring", False)
    assert states(tenant) == {("a", "-"): "off", ("b", "-"): "on"}
    assert states(tenant, kind="campaigns") == {("spring", "-"): "off"}


def test_turning_off_what_is_off_changes_nothing(service: WholeService, tenant: Tenant) -> None:
    in_force(tenant, rules(rule("a")))
    first = turn(tenant, "rules", "a", False)
    before = stamp(service, tenant)
    again = turn(tenant, "rules", "a", False, role="approver")
    assert (again.status_code, again.json, stamp(service, tenant)) == (200, first.json, before)


def test_a_switch_outlives_the_version(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("a")))
    turn(tenant, "rules", "a", False)
    in_force(tenant, rules(rule("a", 50)))
    assert states(tenant) == {("a", "-"): "off"}


def test_the_rates_of_the_terms_can_be_switched_off(tenant: Tenant) -> None:
    assert turn(tenant, "rules", "base", False).status_code == 200
    assert states(tenant) == {("base", "-"): "off"}


@pytest.mark.parametrize(("kind", "code"), [("rules", "rule_unknown"), ("campaigns", "campaign_unknown")])
def test_a_code_that_nobody_has_is_not_switched(
    service: WholeService, tenant: Tenant, kind: str, code: str
) -> None:
    in_force(tenant, rules(rule("a")))
    before = stamp(service, tenant)
    told = refused(turn(tenant, kind, "aa", False), 404, code)
    assert told[kind.removesuffix("s")] == "aa"
    assert stamp(service, tenant) == before


@pytest.mark.parametrize("role", ["pos", "checkout", "finance", "readonly"])
def test_only_those_who_decide_about_rules_switch(tenant: Tenant, role: str) -> None:
    assert refused(turn(tenant, "rules", "base", False, role), 403, "forbidden")["required_scope"] == "switch"


# --- regions -------------------------------------------------------------------------------------


def test_a_region_makes_and_decides_on_rules_of_its_own(tenant: Tenant) -> None:
    version = saved(tenant, rules(rule("east:pilot")), "east", "east operator")
    approval_id = proposed(tenant, version, "east", "east operator")
    assert get(tenant, f"/v1/approvals/{approval_id}")["subject"] == "east/1"
    assert approve(tenant, approval_id, "east approver").status_code == 200
    assert states(tenant, "east") == {("base", "-"): "on", ("east:pilot", "east"): "on"}
    assert states(tenant, "west") == {("base", "-"): "on"}
    assert states(tenant) == {("base", "-"): "on"}


@pytest.mark.parametrize("owner", [None, "west"])
def test_a_region_makes_no_rules_for_others(tenant: Tenant, owner: str | None) -> None:
    code = f"{owner}:a" if owner else "a"
    answer = draft(tenant, rules(rule(code)), owner, "east operator")
    assert refused(answer, 403, "other_region")["region"] == "east"
    version = saved(tenant, rules(rule(code)), owner)
    path = f"/v1/rule-sets/{version}/proposals"
    refused(post(tenant, path, about(owner), "east operator"), 403, "other_region")
    approval_id = proposed(tenant, version, owner)
    refused(approve(tenant, approval_id, "east approver"), 403, "other_region")
    approve(tenant, approval_id)
    refused(activate(tenant, version, owner, "east approver"), 403, "other_region")
    refused(turn(tenant, "rules", code, False, "east operator"), 403, "other_region")
    assert states(tenant, owner)[code, owner or "-"] == "on"


def test_a_region_switches_its_own_rules(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("east:a")), "east")
    assert turn(tenant, "rules", "east:a", False, "east operator").status_code == 200
    assert states(tenant, "east")["east:a", "east"] == "off"


def test_headquarters_acts_for_every_region(tenant: Tenant) -> None:
    version = in_force(tenant, rules(rule("east:a")), "east")
    assert turn(tenant, "rules", "east:a", False).status_code == 200
    assert activate(tenant, version, "east").status_code == 201


def test_a_regions_codes_are_named_after_it(tenant: Tenant) -> None:
    wrong = rules(
        rule("pilot", campaign="west:spring"),
        rule("east:a"),
        campaigns=[{"code": "west:spring", "name": {"en": "Spring", "zh": "春季"}}],
    )
    found = faults(draft(tenant, wrong, "east"))
    assert set(found) == {"content.rules.0.code", "content.campaigns.0.code"}


def test_a_region_spends_no_budget_of_others(tenant: Tenant) -> None:
    own = ["region:{region}", "region:east", "store:{store}", "east:spring"]
    assert draft(tenant, rules(rule("east:a", funds=own)), "east").status_code == 201
    others = ["region:west", "spring", "west:spring", "store:s-1", "{region}:x", "eastern:x"]
    found = faults(draft(tenant, rules(rule("east:b", funds=others)), "east"))
    assert set(found) == {f"content.rules.0.funds.{place}" for place in range(len(others))}


@pytest.mark.parametrize("region", ["region", "store"])
def test_a_region_with_the_name_of_a_prefix_has_no_more_budgets(tenant: Tenant, region: str) -> None:
    answer = draft(tenant, rules(rule(f"{region}:a", funds=[f"{region}:west"])), region)
    assert set(faults(answer)) == {"content.rules.0.funds.0"}


def test_a_region_overrides_what_headquarters_lets_it(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("free", overridable=True), rule("fixed")))
    told = refused(
        draft(tenant, rules(rule("east:a", overrides=["free", "fixed"])), "east"), 422, "rule_not_overridable"
    )
    assert (told["owner"], told["rules"]) == ("east", ["fixed"])
    in_force(tenant, rules(rule("east:a", overrides=["free"])), "east")
    assert states(tenant, "east") == {
        ("free", "-"): "overridden",
        ("fixed", "-"): "on",
        ("east:a", "east"): "on",
    }
    assert states(tenant, "west") == {("free", "-"): "on", ("fixed", "-"): "on"}
    # What is off replaces nothing.
    turn(tenant, "rules", "east:a", False)
    assert states(tenant, "east")["free", "-"] == "on"


def test_the_rates_of_the_terms_are_nobodys_to_override(tenant: Tenant) -> None:
    refused(draft(tenant, rules(rule("east:a", overrides=["base"])), "east"), 422, "rule_not_overridable")


def test_what_headquarters_takes_back_cannot_be_put_in_force_any_more(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("free", overridable=True)))
    earlier = in_force(tenant, rules(rule("east:a", overrides=["free"])), "east")
    version = saved(tenant, rules(rule("east:b", overrides=["free"])), "east")
    approval_id = proposed(tenant, version, "east")
    in_force(tenant, rules(rule("free")))
    refused(approve(tenant, approval_id), 422, "rule_not_overridable")
    assert get(tenant, f"/v1/approvals/{approval_id}")["status"] == "pending"
    refused(activate(tenant, earlier, "east"), 422, "rule_not_overridable")
    proposal = post(tenant, f"/v1/rule-sets/{version}/proposals", {"owner": "east"})
    refused(proposal, 422, "rule_not_overridable")
    # What is in force already overrides nothing any more.
    assert states(tenant, "east")["free", "-"] == "on"


def test_a_region_takes_no_code_of_headquarters(tenant: Tenant) -> None:
    in_force(tenant, rules(rule("east:a")))
    assert list(faults(draft(tenant, rules(rule("east:a")), "east"))) == ["content.rules.0.code"]


@pytest.mark.parametrize("owner", ["", "a:b", "a b", "东", 5, True, "x" * 64])
def test_an_owner_has_the_form_of_a_region(tenant: Tenant, owner: Any) -> None:
    answer = post(tenant, "/v1/rule-sets", {"owner": owner, "content": rules(rule())})
    assert list(faults(answer)) == ["owner"]


# --- promotion -----------------------------------------------------------------------------------


def promotion(tenant: Tenant, version: int, role: str = "operator") -> Any:
    return post(tenant, f"/v1/rule-sets/{version}/promotions", {"owner": "east"}, role)


def test_a_pilot_becomes_everybodys(tenant: Tenant) -> None:
    extra = {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["free"]}
    double = {"code": "double", "unit": "POINT", "rate": extra}
    in_force(tenant, rules(rule("first"), rule("free", overridable=True), double))
    pilot = rule("east:pilot", 80, overrides=["free"], campaign="east:spring")
    spring = {"code": "east:spring", "name": {"en": "Spring", "zh": "春季"}}
    version = in_force(tenant, rules(rule("east:more"), pilot, campaigns=[spring]), "east")
    answer = promotion(tenant, version)
    assert answer.status_code == 201
    assert (answer.json["owner"], answer.json["version"], answer.json["status"]) == (None, 2, "draft")
    taken_over = {name: value for name, value in pilot.items() if name != "overrides"}
    assert answer.json["content"] == rules(
        rule("first"),
        taken_over,
        {**double, "rate": {**extra, "of": ["east:pilot"]}},
        rule("east:more"),
        campaigns=[spring],
    )
    assert promotion(tenant, version).status_code == 200
    approve(tenant, proposed(tenant, 2))
    # In its own region it counts once.
    assert states(tenant, "west") == {
        ("first", "-"): "on",
        ("east:pilot", "-"): "on",
        ("double", "-"): "on",
        ("east:more", "-"): "on",
    }
    assert states(tenant, "east") == states(tenant, "west") | {
        ("east:more", "east"): "promoted",
        ("east:pilot", "east"): "promoted",
    }


def test_a_pilot_beside_the_rates_of_the_terms_keeps_them(tenant: Tenant) -> None:
    version = in_force(tenant, rules(rule("east:pilot")), "east")
    content = promotion(tenant, version).json["content"]
    assert [(each["code"], each["unit"]) for each in content["rules"]] == [
        ("base", "POINT"),
        ("base", "GROWTH"),
        ("east:pilot", "POINT"),
    ]


def test_only_headquarters_promotes(tenant: Tenant) -> None:
    version = in_force(tenant, rules(rule("east:pilot")), "east")
    refused(promotion(tenant, version, "east operator"), 403, "other_region")
    refused(promotion(tenant, version, "approver"), 403, "forbidden")
    refused(promotion(tenant, 9), 404, "rule_set_unknown")


def test_what_was_promoted_is_no_longer_the_regions_to_switch(tenant: Tenant) -> None:
    version = in_force(tenant, rules(rule("east:pilot")), "east")
    promotion(tenant, version)
    assert turn(tenant, "rules", "east:pilot", False, "east operator").status_code == 200
    turn(tenant, "rules", "east:pilot", True)
    approve(tenant, proposed(tenant, 1))
    refused(turn(tenant, "rules", "east:pilot", False, "east operator"), 403, "other_region")
