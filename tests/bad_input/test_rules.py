"""Rules that mean harm, over HTTP: what could cost too much or means nothing is refused with its place when it is
saved; what fails when it is evaluated holds back its own award alone, and says so.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import clock
from ledger.rules.variables import VARIABLES
from tests.bad_input.judging import amiss
from tests.profiles import examples
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

PER_YUAN = {"kind": "per_amount", "per": 1, "amount": 100}
WHEN = "content.rules.0.when"
_numbers = count(1)


def rule(code: str = "odd", **more: Any) -> dict[str, Any]:
    return {"code": code, "unit": "POINT", "rate": {"kind": "fixed", "amount": 7}, **more}


def save(tenant: Tenant, *rules: Any, **parts: Any) -> Any:
    """What saving them answers."""
    body = orjson.dumps({"content": {"rules": list(rules), **parts}})
    return tenant.send_raw("POST", "/v1/rule-sets", body, role="operator")


def faults(answer: Any) -> dict[str, str]:
    assert amiss(answer) is None, amiss(answer)
    assert answer.status_code == 400, answer.data
    return {fault["field"]: fault["message"] for fault in answer.json["errors"]}


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def tenant(service: WholeService) -> Tenant:
    """A program where nothing is saved: what these tests send to it is refused."""
    return service.tenant("careful")


@pytest.fixture
def unchanged(service: WholeService, tenant: Tenant) -> Iterator[None]:
    """Fails a test after which any row of any table is there that was not, or says something else."""
    before = service.rows()
    yield
    assert service.rows() == before


@pytest.mark.parametrize(
    ("condition", "words", "place"),
    [
        ("purchase.skus.exists(a, purchase.skus.exists(b, a == b))", "loop", "1:25"),
        ("[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))", "loop", "1:16"),
        ("purchase.skus.map(a, a + a).size() > 1", "map is not offered", "1:"),
        (" || ".join(["purchase.skus.all(a, a == 'x')"] * 9), "at most 8 loops", "1:"),
        ("member.id.matches(member.tier)", "constant", "1:"),
        ("member.id.matches('(a{1000}){1000}')", "", "1:"),
        ("member.id.matches('(((((((((((a+)+)+')", "missing )", "1:"),
        ("member.id.matches('" + "(a|b)?" * 40 + "')", "at most 100 characters", "1:"),
        ("purchase.amount > " + "9" * 30, "", "1:"),
        ("purchase.amount == 1" + " " * 10_000, "at most 1000 characters", "1:1"),
        ("'" + "x" * 10_000 + "' == member.id", "at most 1000 characters", "1:1"),
        ("(" * 200 + "true" + ")" * 200, "recursion", "1:"),
        ("purchase.amount " + "+ 1 " * 200 + "> 3", "", "1:"),
        ("[" * 100 + "]" * 100 + " == []", "", "1:"),
        ("true ? true : " * 60 + "true", "", "1:"),
        ("purchase.amuont > 1", "undeclared reference to 'purchase.amuont'", "1:9"),
        ("member.password == ''", "undeclared reference", "1:7"),
        ("__import__('os').system('true') == 0", "undeclared reference", "1:"),
        ("purchase.amount > 'x'", "no matching overload", "1:17"),
        ("purchase.amount > 1.5", "no matching overload", "1:17"),
        ("purchase.amount", "is true or false (bool)", "1:1"),
        ("line.amount > 1", "undeclared reference", "1:5"),
        ("", "mismatched input", "1:1"),
        ("purchase.amount >\n\n> 1", "input '>'", "3:1"),
        ("true; DROP TABLE entries", "", "1:5"),
    ],
)
def test_a_condition_that_could_cost_too_much_or_means_nothing_is_refused_with_its_place(
    tenant: Tenant, unchanged: None, condition: str, words: str, place: str
) -> None:
    found = faults(save(tenant, rule(when=condition)))
    assert found.keys() == {WHEN}
    assert words in found[WHEN]
    assert f" at {place}" in found[WHEN]
    assert len(found[WHEN]) < 500


@pytest.mark.parametrize("condition", ["\u0000", "member.id == '\u0000'"])
def test_what_is_no_text_is_refused(tenant: Tenant, unchanged: None, condition: str) -> None:
    assert faults(save(tenant, rule(when=condition)))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"when": 5}, "when"),
        ({"when": ["true"]}, "when"),
        ({"lines": {"when": "purchase.amount > 1"}}, "lines.when"),
        ({"lines": {}}, "lines"),
        ({"rate": {"kind": "fixed", "amount": 1.5}}, "rate.amount"),
        ({"rate": {"kind": "fixed", "amount": True}}, "rate.amount"),
        ({"rate": {"kind": "fixed", "amount": -1}}, "rate.amount"),
        ({"rate": {"kind": "fixed", "amount": 2**53}}, "rate.amount"),
        ({"rate": {"kind": "per_amount", "per": 1, "amount": 0}}, "rate.amount"),
        ({"rate": {"kind": "per_amount", "per": "1", "amount": 1}}, "rate.per"),
        ({"rate": {"kind": "eval", "code": "1"}}, "rate.kind"),
        ({"rate": {"kind": "multiplier", "numerator": 1, "denominator": 2}}, "rate.numerator"),
        ({"rate": {"kind": "multiplier", "numerator": 2, "denominator": 0}}, "rate.denominator"),
        ({"rate": {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["odd"]}}, "rate.of.0"),
        ({"rate": {"kind": "steps", "steps": []}}, "rate.steps"),
        ({"rate": None}, "rate"),
        ({"code": "a b"}, "code"),
        ({"code": "x" * 65}, "code"),
        ({"unit": "MONEY"}, "unit"),
        ({"caps": {"day": 0}}, "caps.day"),
        ({"caps": {"fortnight": 1}}, "caps.fortnight"),
        ({"funds": ["share:east:2026-03"]}, "funds.0"),
        ({"funds": ["{member}"]}, "funds.0"),
        ({"funds": "spring"}, "funds"),
        ({"campaign": "none"}, "campaign"),
        ({"arm": {"experiment": "none", "is": "A"}}, "arm.experiment"),
        ({"priority": 10**12}, "priority"),
        ({"once": "yes"}, "once"),
        ({"stacking": {"group": "g", "mode": "worst_of"}}, "stacking.mode"),
        ({"overrides": ["base"]}, "overrides"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_field(
    tenant: Tenant, unchanged: None, more: dict[str, Any], field: str
) -> None:
    assert f"content.rules.0.{field}" in faults(save(tenant, rule(**more)))


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"rules": {}}, "content.rules"),
        ({"rules": [None]}, "content.rules.0"),
        ({"rules": [rule(f"r-{number}") for number in range(201)]}, "content.rules"),
        ({"rules": [rule(), rule()]}, "content.rules.1.code"),
        ({"rules": [], "campaigns": [{"code": "c", "from": "2026-02-30"}]}, "content.campaigns.0.from"),
        ({"rules": [], "experiments": [{"code": "e", "arms": []}]}, "content.experiments.0.arms"),
        ({"rules": [], "more": []}, "content.more"),
    ],
)
def test_a_set_that_is_none_is_refused_with_its_field(
    tenant: Tenant, unchanged: None, parts: dict[str, Any], field: str
) -> None:
    answer = tenant.send("POST", "/v1/rule-sets", role="operator", json={"content": parts})
    assert field in faults(answer)


@pytest.mark.parametrize("content", [None, [], "rules", 1])
def test_content_that_is_no_object_is_refused(tenant: Tenant, unchanged: None, content: Any) -> None:
    answer = tenant.send("POST", "/v1/rule-sets", role="operator", json={"content": content})
    assert "content" in faults(answer)


def test_nesting_without_end_is_refused(tenant: Tenant, unchanged: None) -> None:
    body = b'{"content": {"rules": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}"
    assert faults(tenant.send_raw("POST", "/v1/rule-sets", body, role="operator"))


SIGNS = [*"!<>+-*/%()[]{}.?:é", "\n", "&&", "||", "==", "!=", ">=", "in", "true", "false", "null", "//"]
PARTS = ".size();.exists(x,;.all(x,;.filter(x,;.map(x,;x;has(;int(;.matches('a+');duration('1h');timestamp('x');b'a'"
NUMBERS = ["0", "1", "-1", "9223372036854775807", "1.5", "'a'", '"a"', ","]
WORDS = st.sampled_from([*(variable.name for variable in VARIABLES), *SIGNS, *PARTS.split(";"), *NUMBERS])


@examples(150)
@given(st.lists(WORDS, min_size=1, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_refused_with_its_place_or_saved(tenant: Tenant, condition: str) -> None:
    answer = save(tenant, rule(when=condition))
    if answer.status_code != 201:
        found = faults(answer)
        assert all(field.startswith(WHEN) or field == "body" for field in found), found


FAILING = {
    "by-zero": "purchase.amount / 0 > 1",
    "modulus": "purchase.amount % (purchase.lines - purchase.lines) == 0",
    "overflow": "purchase.amount + 9223372036854775807 > 0",
    "product": "purchase.amount * 9223372036854775807 > 0",
    "negated": "-(-9223372036854775807 - purchase.lines) > 0",
    "missing": "member.attributes.vip == true",
    "wrong-type": "int(member.id) > 0",
    "index": "purchase.categories[99] == 'x'",
    "far-index": "purchase.categories[-1] == 'x'",
}
HARMLESS = {
    "pattern": "member.id.matches('(a+)+$')",
    "loops": " && ".join(["purchase.skus.all(a, a != 'x')"] * 8),
    "negations": "!" * 500 + "true",
    "deep": "(" * 20 + "true" + ")" * 20,
}


@pytest.fixture(scope="module")
def shop(service: WholeService) -> Tenant:
    """A program whose rules in force hold every condition that can be saved and fail."""
    made = service.tenant("reckless")
    rules = [rule(code, when=when) for code, when in (FAILING | HARMLESS).items()]
    rules.append(rule("of-lines", lines={"when": "100 / line.amount > 1000 || 1 / 0 > 0"}))
    rules.append(rule("kind", on="sign_in", when="activity.attributes.days > 3"))
    rules.append({"code": "base", "unit": "POINT", "rate": PER_YUAN})
    rules.append({"code": "base", "unit": "GROWTH", "rate": PER_YUAN})
    answer = save(made, *rules)
    assert answer.status_code == 201, answer.data
    path = f"/v1/rule-sets/{answer.json['version']}/proposals"
    proposed = made.send("POST", path, role="operator").json["approval_id"]
    assert made.send("POST", f"/v1/approvals/{proposed}/approve", role="approver").status_code == 200
    return made


def bought(member: str, name: str) -> dict[str, Any]:
    """A purchase of now: the rules were not in force before."""
    return {**purchase_of(member, name), "occurred_at": clock.show(clock.system_now())}


def test_what_fails_at_the_purchase_gives_nothing_by_itself_alone_and_says_so(shop: Tenant) -> None:
    posted = shop.post("/v1/purchases", bought("aaaa", "p-1"))
    given = {award["rule"]: award["amount"] for award in posted["awards"] if award["unit"] == "POINT"}
    assert given == {"base": 100, **dict.fromkeys(HARMLESS, 7)}
    assert (posted["points"], posted["growth"]) == (128, 100)
    told = {each["rule"]: each for each in posted["fenced"]}
    assert told.keys() == {*FAILING, "of-lines"}
    for each in told.values():
        assert (each["fence"], each["given"]) == ("rule_error", 0)
        assert each["detail"]["error"]
        assert "Traceback" not in each["detail"]["error"]
    kept = shop.send("GET", "/v1/purchases/p-1/explanation", role="readonly")
    assert kept.status_code == 200, kept.data
    balance = shop.send("GET", "/v1/members/aaaa/balance", role="readonly").json
    assert (balance["points"]["available"], balance["growth"]["value"]) == (128, 100)


def test_the_largest_basket_under_hostile_rules_earns_what_it_should(shop: Tenant) -> None:
    lines = [
        {"line_id": str(number), "quantity": 1, "amount": 100, "sku": f"sku-{number}", "category": "coffee"}
        for number in range(1, 501)
    ]
    answer = shop.send("POST", "/v1/purchases", json={**bought("a" * 60, "p-big"), "lines": lines})
    assert answer.status_code == 201, answer.data
    given = {award["rule"]: award["amount"] for award in answer.json["awards"] if award["unit"] == "POINT"}
    assert given == {"base": 500, **dict.fromkeys(HARMLESS, 7)}


def test_a_member_whom_a_hostile_pattern_almost_fits_is_served(shop: Tenant) -> None:
    posted = shop.post("/v1/purchases", bought("a" * 60 + "-", "p-odd"))
    given = {award["rule"] for award in posted["awards"] if award["unit"] == "POINT"}
    assert given == {"base", *HARMLESS} - {"pattern"}


@pytest.mark.parametrize("days", ["many", None, 2**60, {"a": 1}, [], True])
def test_what_an_activity_brings_along_fails_closed(shop: Tenant, days: Any) -> None:
    number = next(_numbers)
    answer = shop.send(
        "POST",
        "/v1/activities",
        json={
            "activity_id": f"a-{number}",
            "member_id": "m-active",
            "type": "sign_in",
            "occurred_at": clock.show(clock.system_now()),
            "attributes": {"days": days},
        },
    )
    if answer.status_code == 400:
        assert any("attributes" in field for field in faults(answer))
        return
    assert answer.status_code == 201, answer.data
    works = type(days) is int
    assert answer.json["points"] == (7 if works else 0)
    assert [each["fence"] for each in answer.json.get("fenced", ())] == ([] if works else ["rule_error"])
