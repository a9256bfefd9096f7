"""Explanations as a member's app reads them: purchases, growth and tiers, with the words of a realistic program."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from ledger import clock
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

START = datetime(2026, 1, 15, 4, tzinfo=UTC)
"""Noon in Shanghai."""

TIERS: dict[str, Any] = {
    "levels": [
        {"code": "member", "threshold": 0, "name": {"en": "Member", "zh": "普通会员"}},
        {
            "code": "silver",
            "threshold": 100,
            "name": {"en": "Silver", "zh": "银卡"},
            "entitlements": [
                {"code": "coffee", "name": {"en": "A coffee", "zh": "咖啡一杯"}, "per": "month"}
            ],
        },
        {"code": "gold", "threshold": 1_000, "name": {"en": "Gold", "zh": "金卡"}},
    ],
    "period": {"kind": "fixed_days", "days": 30},
    "grace_days": 5,
}
TERMS = DEFAULT_TERMS | {"tiers": TIERS, "growth_expiry": {"kind": "fixed_days", "days": 45}}
PER_YUAN = {"kind": "per_amount", "per": 1, "amount": 100}
RULES: dict[str, list[dict[str, Any]]] = {
    "rules": [
        {"code": "base", "name": {"en": "Every yuan", "zh": "消费积分"}, "unit": "POINT", "rate": PER_YUAN},
        {"code": "growth", "name": {"en": "Growth", "zh": "消费成长"}, "unit": "GROWTH", "rate": PER_YUAN},
        {
            "code": "double",
            "name": {"en": "Double day", "zh": "双倍日"},
            "unit": "POINT",
            "rate": {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["base"]},
            "caps": {"day": 50},
        },
        {
            "code": "gift",
            "name": {"en": "Welcome", "zh": "新客礼"},
            "unit": "POINT",
            "rate": {"kind": "fixed", "amount": 20},
            "once": True,
        },
    ]
}

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    """A test program with tiers, whose growth counts for 45 days."""
    return service.tenant(f"told {next(_numbers)}", is_test=True, test_now=START, terms=TERMS)


def get(tenant: Tenant, path: str) -> Any:
    answer = tenant.send("GET", path, role="readonly")
    assert answer.status_code == 200, answer.data
    return answer.json


def refusal(tenant: Tenant, path: str) -> tuple[int, str]:
    answer = tenant.send("GET", path, role="readonly")
    return answer.status_code, answer.json["code"]


def buy(tenant: Tenant, name: str, amount: int, at: datetime = START, **more: Any) -> dict[str, Any]:
    bought = {**purchase_of("m-1", name, amount), "occurred_at": clock.show(at)}
    return tenant.post("/v1/purchases", bought | more)


def give_back(tenant: Tenant, name: str, amount: int, at: datetime = START) -> dict[str, Any]:
    lines = [{"line_id": "1", "quantity": 1, "amount": amount}]
    body = {"return_id": f"r-{next(_numbers)}", "occurred_at": clock.show(at), "lines": lines}
    return tenant.post(f"/v1/purchases/{name}/returns", body)


def wait(tenant: Tenant, days: int) -> datetime:
    now = START + timedelta(days=days)
    assert tenant.send("PUT", "/v1/test-clock", json={"now": clock.show(now)}).status_code == 200
    return now


def put_in_force(tenant: Tenant, content: dict[str, Any]) -> None:
    version = tenant.post("/v1/rule-sets", {"content": content}, role="operator")["version"]
    proposed = tenant.send("POST", f"/v1/rule-sets/{version}/proposals", role="operator", json={})
    path = f"/v1/approvals/{proposed.json['approval_id']}/approve"
    assert tenant.send("POST", path, role="approver", json={}).status_code == 200


def of_rule(told: list[dict[str, Any]], code: str) -> dict[str, Any]:
    (found,) = [each for each in told if each["rule"] == code]
    return found


# --- purchases ---------------------------------------------------------------------------------------


def test_a_purchase_is_told_by_the_names_and_the_version_of_its_rules(tenant: Tenant) -> None:
    put_in_force(tenant, RULES)
    buy(tenant, "p-1", 8_000)
    told = get(tenant, "/v1/purchases/p-1/explanation")
    assert told["rule_sets"] == [{"owner": "", "version": 1}]
    assert (told["member_id"], told["occurred_at"]) == ("m-1", "2026-01-15T04:00:00.000000Z")
    assert told["tier"] == {"code": "member", "name": {"en": "Member", "zh": "普通会员"}}
    assert told["totals"]["points"] == 80 + 50 + 20 and told["totals"]["growth"] == 80
    double = of_rule(told["awards"], "double")
    assert (double["amount"], double["name"]["zh"]) == (50, "双倍日")
    assert double["explanation"] == {
        "en": "Every yuan 80, 2 times: 80 × 2 − 80 = 80 points; the limit for the day leaves 50 points",
        "zh": "消费积分 80，按 2 倍计，另加 80 × 2 − 80 = 80 积分；当日上限仅余 50 积分",
    }
    cut = of_rule(told["fenced"], "double")
    assert cut["explanation"]["zh"] == "应得 80 积分，实得 50 积分：当日上限为 50 积分"


def test_what_was_kept_back_is_told_by_name_too(tenant: Tenant) -> None:
    put_in_force(tenant, RULES)
    buy(tenant, "p-1", 8_000)
    answer = buy(tenant, "p-2", 8_000)
    kept_back = {
        "double": "80 积分未发放：当日上限为 50 积分，此前已发放 50",
        "gift": "20 积分未发放：每位会员仅限一次，此前已发放",
    }
    assert {each["rule"]: each["explanation"]["zh"] for each in answer["fenced"]} == kept_back
    fenced = get(tenant, "/v1/purchases/p-2/explanation")["fenced"]
    assert {each["rule"]: each["explanation"]["zh"] for each in fenced} == kept_back
    assert of_rule(fenced, "gift")["name"] == {"en": "Welcome", "zh": "新客礼"}


def test_without_rule_sets_the_rates_of_the_terms_are_told(tenant: Tenant) -> None:
    buy(tenant, "p-1", 8_050)
    told = get(tenant, "/v1/purchases/p-1/explanation")
    assert (told["rule_sets"], told["terms_version"]) == ([], 1)
    assert told["awards"][0]["explanation"]["en"] == (
        "80.50 CNY spent × 1 points per 1.00 CNY = 80 points, rounded down"
    )


def test_a_new_version_does_not_change_what_was_told_of_the_old(tenant: Tenant) -> None:
    put_in_force(tenant, RULES)
    buy(tenant, "p-1", 8_000)
    before = get(tenant, "/v1/purchases/p-1/explanation")
    renamed = [{**each, "name": {"en": "New", "zh": "新"}} for each in RULES["rules"]]
    put_in_force(tenant, {"rules": renamed})
    assert get(tenant, "/v1/purchases/p-1/explanation") == before
    buy(tenant, "p-2", 8_000)
    told = get(tenant, "/v1/purchases/p-2/explanation")
    assert (told["rule_sets"][0]["version"], told["awards"][0]["name"]["zh"]) == (2, "新")


def test_a_sale_from_before_the_rules_is_told_by_the_terms(tenant: Tenant) -> None:
    put_in_force(tenant, RULES)
    buy(tenant, "p-1", 8_000, START - timedelta(hours=1))
    told = get(tenant, "/v1/purchases/p-1/explanation")
    assert (told["rule_sets"], told["awards"][0]["name"]["zh"]) == ([], "基础规则")
    assert get(tenant, "/v1/members/m-1/growth")["data"][0]["awards"][0]["name"]["zh"] == "基础规则"


def test_a_lot_tells_what_became_of_it(tenant: Tenant) -> None:
    buy(tenant, "p-1", 10_000)
    tenant.post("/v1/redemptions", {"member_id": "m-1", "points": 70, "reference": "x-1"})
    give_back(tenant, "p-1", 4_000)
    told = get(tenant, "/v1/purchases/p-1/explanation")
    points, growth = told["lots"]
    assert points["explanation"]["zh"] == (
        "发放 100 积分；已使用 70（2026年1月15日）；已扣回 30（2026年1月15日）"
    )
    assert (points["state"], points["remaining"]) == ("spent", 0)
    assert growth["explanation"]["en"] == (
        "100 growth value given; 60 count until the end of 1 March 2026; 40 taken back on 15 January 2026"
    )
    (back,) = told["returns"]
    assert (back["points_clawed_back"], back["growth_clawed_back"], back["shortfall"]) == (40, 40, 10)
    assert back["explanation"]["zh"] == (
        "2026年1月15日退货 40.00 CNY；扣回 40 积分、40 成长值；其中 10 积分此前已用掉，记为欠分"
    )
    assert told["lines"][0]["returned"] == {"quantity": 1, "amount": 4_000}
    totals = told["totals"]
    assert (totals["points_kept"], totals["growth_kept"]) == (60, 60)


def test_what_the_clock_took_is_told_before_any_sweep(tenant: Tenant) -> None:
    buy(tenant, "p-1", 10_000)
    wait(tenant, 400)
    points, growth = get(tenant, "/v1/purchases/p-1/explanation")["lots"]
    assert {(lot["state"], lot["remaining"]) for lot in (points, growth)} == {("expired", 0)}
    assert points["explanation"]["zh"] == "发放 100 积分；100 已于2027年1月31日到期"


def test_a_purchase_that_was_cancelled_says_so(tenant: Tenant) -> None:
    entry_id = buy(tenant, "p-1", 10_000)["entry_id"]
    tenant.post(f"/v1/entries/{entry_id}/reversal", {"reason": "mistake"})
    told = get(tenant, "/v1/purchases/p-1/explanation")
    (back,) = told["returns"]
    assert (back["kind"], back["return_id"], back["lines"]) == ("reversal", None, [])
    assert back["explanation"]["en"] == (
        "the purchase was cancelled on 15 January 2026; 100 points and 100 growth value taken back"
    )
    assert told["totals"]["points_kept"] == told["totals"]["growth_kept"] == 0


def test_points_that_repaid_a_debt_are_told(tenant: Tenant) -> None:
    buy(tenant, "p-1", 10_000)
    tenant.post("/v1/redemptions", {"member_id": "m-1", "points": 100, "reference": "x-1"})
    give_back(tenant, "p-1", 10_000)
    buy(tenant, "p-2", 15_000)
    told = get(tenant, "/v1/purchases/p-2/explanation")
    assert (told["totals"]["points"], told["totals"]["points_repaid_debt"]) == (150, 100)
    assert "抵扣欠分 100（2026年1月15日）" in told["lots"][0]["explanation"]["zh"]


def test_a_purchase_of_nobody_or_of_another_program_is_unknown(service: WholeService, tenant: Tenant) -> None:
    buy(tenant, "p-1", 10_000)
    assert refusal(tenant, "/v1/purchases/p-9/explanation") == (404, "purchase_unknown")
    other = service.tenant(f"told {next(_numbers)}")
    assert refusal(other, "/v1/purchases/p-1/explanation") == (404, "purchase_unknown")


def test_what_was_paid_with_points_is_told_apart(tenant: Tenant) -> None:
    on_cash = [{**RULES["rules"][0], "basis": "cash"}]
    put_in_force(tenant, {"rules": on_cash})
    buy(tenant, "p-1", 8_000, points_value={"amount": 3_000, "currency": "CNY"})
    told = get(tenant, "/v1/purchases/p-1/explanation")
    assert (told["spent"]["amount"], told["cash"]["amount"]) == (8_000, 5_000)
    assert told["awards"][0]["explanation"] == {
        "en": "50.00 CNY paid in money × 1 point per 1.00 CNY = 50 points",
        "zh": "实付 50.00 CNY，每 1.00 CNY 得 1 积分，共 50 积分",
    }


# --- growth ------------------------------------------------------------------------------------------


def test_growth_is_told_entry_by_entry_with_its_calendar(tenant: Tenant) -> None:
    buy(tenant, "p-1", 10_000)
    buy(tenant, "p-2", 5_000, START - timedelta(days=10))
    give_back(tenant, "p-1", 3_000)
    told = get(tenant, "/v1/members/m-1/growth")
    assert told["value"] == 120
    assert told["window"]["explanation"]["zh"] == "成长值自获得当日起计入，之后 45 天内有效。"
    assert [(each["date"], each["growth"]) for each in told["leaving"]] == [
        ("2026-02-20", 50),
        ("2026-03-02", 70),
    ]
    assert told["leaving"][0]["explanation"]["zh"] == "50 成长值自2026年2月20日起不再计入"
    late, first = told["data"]
    assert (late["reference"], late["amount"], late["remaining"]) == ("p-2", 50, 50)
    assert late["explanation"]["en"] == "50 growth value earned, counting until the end of 19 February 2026"
    assert (first["amount"], first["taken_back"], first["remaining"]) == (100, 30, 70)
    assert (
        first["explanation"]["zh"]
        == "获得 100 成长值，扣回 30 成长值：100 − 30 = 70 成长值，有效期至2026年3月1日"
    )
    wait(tenant, 40)
    assert get(tenant, "/v1/members/m-1/growth")["value"] == 70


def test_growth_comes_in_pages(tenant: Tenant) -> None:
    for number in range(5):
        buy(tenant, f"p-{number}", 1_000)
    found, cursor = [], ""
    while True:
        page = get(tenant, f"/v1/members/m-1/growth?limit=2{cursor}")
        assert page["value"] == 50
        found += [entry["reference"] for entry in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ["p-4", "p-3", "p-2", "p-1", "p-0"]
    assert refusal(tenant, "/v1/members/m-1/growth?cursor=xyz") == (400, "invalid_request")


@pytest.mark.parametrize("what", ["growth", "tier"])
def test_a_stranger_has_neither_growth_nor_tier(tenant: Tenant, what: str) -> None:
    assert refusal(tenant, f"/v1/members/m-9/{what}") == (404, "member_unknown")


# --- tiers -------------------------------------------------------------------------------------------


def test_a_program_without_tiers_tells_the_growth_value_alone(service: WholeService) -> None:
    tenant = service.tenant(f"told {next(_numbers)}", is_test=True, test_now=START)
    buy(tenant, "p-1", 10_000)
    told = get(tenant, "/v1/members/m-1/tier")
    assert told["growth"] == {"value": 100}
    assert [told[name] for name in ("tier", "next", "keeps")] == [None, None, None]
    assert [told[name] for name in ("outlook", "pending", "entitlements", "history")] == [[], [], [], []]


def test_a_tier_tells_what_it_is_and_what_comes_next(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    told = get(tenant, "/v1/members/m-1/tier")
    assert told["tier"] == {
        "code": "silver",
        "name": {"en": "Silver", "zh": "银卡"},
        "threshold": 100,
        "since": "2026-01-15T04:00:00.000000Z",
        "ends_at": "2026-02-14T16:00:00.000000Z",
        "in_grace": False,
    }
    assert (told["next"]["code"], told["next"]["missing"]) == ("gold", 800)
    assert told["next"]["explanation"]["zh"] == "再获得 800 成长值即可升为金卡（需要 1000）"
    assert told["keeps"]["explanation"]["zh"] == (
        "银卡将于2026年2月14日期满评定：需要成长值 100，现有成长值届时仍计入 200，可以保级"
    )
    assert [(each["code"], each["period"], each["name"]["zh"]) for each in told["entitlements"]] == [
        ("coffee", "2026-01", "咖啡一杯")
    ]
    (entered,) = told["history"]
    assert (entered["reason"], entered["explanation"]["zh"]) == ("entered", "成长值 200，成为银卡")


def test_what_will_be_lost_is_told_before_it_is_lost_and_comes_true(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    outlook = get(tenant, "/v1/members/m-1/tier")["outlook"]
    assert [(each["date"], each["reason"], each["to"]) for each in outlook] == [
        ("2026-02-15", "kept", "silver"),
        ("2026-03-18", "grace", "silver"),
        ("2026-03-23", "downgraded", "member"),
    ]
    assert outlook[-1]["explanation"] == {
        "en": "if nothing is added, on 23 March 2026: lowered from Silver to Member: growth value 0 when the"
        " period ended, Silver needs 100",
        "zh": "若不再获得成长值，2026年3月23日，由银卡降为普通会员：期满时成长值 0，低于银卡所需的 100",
    }
    wait(tenant, 100)
    told = get(tenant, "/v1/members/m-1/tier")
    assert told["tier"]["code"] == "member"
    happened = [(each["date"], each["reason"], each["to"]) for each in reversed(told["history"])]
    assert happened[1:] == [(each["date"], each["reason"], each["to"]) for each in outlook]
    # No job has noted it yet.
    assert told["history"][0]["recorded_at"] is None and told["outlook"] == []


def test_the_days_of_grace_say_how_much_saves_the_tier(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    now = wait(tenant, 63)
    told = get(tenant, "/v1/members/m-1/tier")
    assert told["tier"]["in_grace"] is True
    assert told["keeps"]["explanation"]["zh"] == (
        "银卡正处于宽限期：2026年3月22日结束前成长值达到 100 即可保级，还需 100"
    )
    buy(tenant, "p-2", 10_000, now)
    told = get(tenant, "/v1/members/m-1/tier")
    assert (told["tier"]["in_grace"], told["history"][0]["reason"]) == (False, "kept")


def test_a_return_that_costs_a_tier_is_told(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    give_back(tenant, "p-1", 15_000)
    wait(tenant, 1)
    told = get(tenant, "/v1/members/m-1/tier")
    assert told["tier"]["code"] == "member"
    assert (
        told["history"][0]["explanation"]["zh"] == "由银卡降为普通会员：退货后成长值 50，低于银卡所需的 100"
    )
    assert told["keeps"] == {
        "until": None,
        "growth_needed": 0,
        "growth_then": None,
        "missing": 0,
        "explanation": {"en": "Member has no end", "zh": "普通会员长期有效"},
    }


def test_growth_of_a_fast_clock_is_told_as_pending(tenant: Tenant) -> None:
    buy(tenant, "p-1", 5_000)
    buy(tenant, "p-2", 3_000, START + timedelta(minutes=4))
    (coming,) = get(tenant, "/v1/members/m-1/tier")["pending"]
    assert (coming["growth"], coming["tier"]) == (30, "member")
    assert coming["explanation"]["zh"] == "30 成长值自2026年1月15日起计入，等级仍为普通会员"


def test_the_history_of_a_tier_comes_in_pages(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    buy(tenant, "p-2", 100_000)
    path = "/v1/members/m-1/tier/history?limit=1"
    first = get(tenant, path)
    assert [each["reason"] for each in first["data"]] == ["upgraded"]
    second = get(tenant, f"{path}&cursor={first['next_cursor']}")
    assert ([each["reason"] for each in second["data"]], second["next_cursor"]) == (["entered"], None)
    wait(tenant, 31)
    # What no job has noted yet comes first, beside the page.
    assert [each["reason"] for each in get(tenant, path)["data"]] == ["kept", "upgraded"]
    assert refusal(tenant, f"{path}&cursor=xyz") == (400, "invalid_request")
    assert refusal(tenant, "/v1/members/m-9/tier/history") == (404, "member_unknown")


def test_other_terms_are_told_with_the_tier_that_they_make(tenant: Tenant) -> None:
    buy(tenant, "p-1", 20_000)
    wait(tenant, 1)
    levels = [{**TIERS["levels"][1], "threshold": 0}, {**TIERS["levels"][2], "threshold": 150}]
    easier = TERMS | {"tiers": {**TIERS, "levels": levels}}
    assert tenant.send("PUT", "/v1/program/terms", json=easier).status_code == 200
    told = get(tenant, "/v1/members/m-1/tier")
    assert (told["tier"]["code"], told["next"]) == ("gold", None)
    assert told["history"][0]["explanation"]["zh"] == "会员规则调整，由银卡变为金卡"
