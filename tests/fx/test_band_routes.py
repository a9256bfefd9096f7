"""The band over HTTP: what is recommended from the books, and who may switch what, with how many keys."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from ledger.fx.words import CATALOGUE
from tests.fx.desk import MONDAY, Desk, faults, open_desk, refused
from tests.whole_service import WholeService

FIVE_LOW_WEEKS = [(100_000, 20_000)] * 5


def lived(desk: Desk, *weeks: tuple[int, int]) -> Desk:
    """Weeks go by, and an hour of the next."""
    for issued, redeemed in weeks:
        desk.week(issued, redeemed)
    desk.later(hours=1)
    return desk


def steps(said: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["en"] for step in said["steps"]}


# --- what is recommended -------------------------------------------------------------------------


def test_a_recommendation_shows_what_went_in_and_each_step(desk: Desk) -> None:
    lived(desk, *FIVE_LOW_WEEKS)
    monday = MONDAY + timedelta(weeks=5)
    assert desk.recommendation() == {
        "as_of": clock.show(desk.now),
        "mode": "recommend",
        "inputs": {
            "window": {
                "from": clock.show(monday - timedelta(weeks=4)),
                "to": clock.show(monday),
                "weeks": 4,
            },
            "issued": 400_000,
            "redeemed": 80_000,
            "rho": "0.200000",
            "target": "0.30",
            "low": "0.28",
            "high": "0.32",
            "minimum_volume": 10_000,
            "e": "0.333333",
            "e_prev": "0.333333",
            "awake": True,
            "log_step": "0.020000",
            "rate": "0.0100",
            "version": 1,
            "floor": "0.0070",
            "ceiling": "0.0130",
            "max_step": "0.2000",
            "gains": {
                "proportional": "0.30",
                "integral": "0.15",
                "log_step_max": "0.02",
                "elasticity_assumed": "1",
            },
        },
        # The last entry is more than two days old, in a week in which nothing has happened yet.
        "recommended_rate": "0.0100",
        "differs": False,
        "blocked_by": ["data_lag"],
        "alarms": [],
        "steps": desk.recommendation()["steps"],
    }


def fresh(desk: Desk, *weeks: tuple[int, int]) -> Desk:
    """The same, and the tills still report: a little was issued just now, in a week that does not count yet."""
    lived(desk, *weeks)
    gift = {"member_id": "m-1", "points": 1, "reason": "gift", "reference": f"now-{desk.now.timestamp()}"}
    desk.tenant.post("/v1/earnings", gift)
    return desk


def test_while_tills_report_the_rate_is_recommended_in_words_of_both_languages(desk: Desk) -> None:
    said = fresh(desk, *FIVE_LOW_WEEKS).recommendation()
    assert (said["recommended_rate"], said["differs"], said["blocked_by"]) == ("0.01020201", True, [])
    assert [step["step"] for step in said["steps"]] == [
        "window",
        "share",
        "awake",
        "move",
        "bounds",
        "result",
    ]
    told = steps(said)
    assert "400000 points were issued and 80000 redeemed" in told["window"]
    assert "from 2026-11-09 to the end of 2026-12-06" in told["window"]
    assert "(0.30 − 0.200000) ÷ 0.30 = 0.333333" in told["share"]
    assert "0.020000" in told["move"]
    assert "to 0.01020201" in told["bounds"]
    assert told["result"] == "Recommended: 0.01020201 instead of 0.0100."
    assert said["steps"][-1]["zh"] == "建议将 0.0100 调整为 0.01020201。"


def test_what_goes_back_counts_against_it(desk: Desk) -> None:
    for _ in range(4):
        desk.later(days=1)
        gift = {
            "member_id": "m-1",
            "points": 10_000,
            "reason": "gift",
            "reference": f"g-{desk.now.timestamp()}",
        }
        desk.tenant.post("/v1/earnings", gift)
        spent = {"member_id": "m-1", "points": 4_000, "reference": f"s-{desk.now.timestamp()}"}
        redeemed = desk.tenant.post("/v1/redemptions", spent)
        refund = {"points": 1_000, "reference": f"r-{desk.now.timestamp()}"}
        desk.tenant.post(f"/v1/redemptions/{redeemed['redemption_id']}/refunds", refund)
        desk.later(days=6)
    inputs = desk.recommendation()["inputs"]
    assert (inputs["issued"], inputs["redeemed"], inputs["rho"]) == (40_000, 12_000, "0.300000")


def test_points_that_were_clawed_back_were_not_issued(desk: Desk) -> None:
    desk.later(days=1)
    lines = [{"line_id": "1", "quantity": 2, "amount": 3_000_000}]
    purchase = {
        "purchase_id": "p-1",
        "member_id": "m-1",
        "occurred_at": clock.show(desk.now),
        "currency": "CNY",
        "lines": lines,
    }
    desk.tenant.post("/v1/purchases", purchase)
    back = {
        "return_id": "r-1",
        "occurred_at": clock.show(desk.now),
        "lines": [{"line_id": "1", "quantity": 1, "amount": 1_000_000}],
    }
    desk.tenant.post("/v1/purchases/p-1/returns", back)
    desk.later(days=27)
    assert desk.recommendation()["inputs"]["issued"] == 20_000


def test_what_happened_in_the_present_week_does_not_count_yet(desk: Desk) -> None:
    fresh(desk, *FIVE_LOW_WEEKS)
    before = desk.recommendation()["inputs"]
    gift = {"member_id": "m-1", "points": 900_000, "reason": "gift", "reference": "big"}
    desk.tenant.post("/v1/earnings", gift)
    assert desk.recommendation()["inputs"] == before


def test_content_it_recommends_the_rate_in_force(desk: Desk) -> None:
    said = fresh(desk, *[(100_000, 29_000)] * 5).recommendation()
    assert (said["inputs"]["awake"], said["inputs"]["log_step"]) == (False, "0.000000")
    assert (said["recommended_rate"], said["differs"], said["blocked_by"]) == ("0.0100", False, [])
    assert [step["step"] for step in said["steps"]] == ["window", "share", "awake", "move", "result"]


def test_it_stays_awake_between_the_edge_and_half_the_way(desk: Desk) -> None:
    fresh(desk, *FIVE_LOW_WEEKS, *[(100_000, 28_500)] * 4)
    assert desk.recommendation()["inputs"]["awake"] is True
    other = fresh(open_desk(desk.service), *[(100_000, 28_500)] * 5)
    assert other.recommendation()["inputs"]["awake"] is False


def test_new_books_say_nothing(desk: Desk) -> None:
    said = desk.recommendation()
    assert (said["recommended_rate"], said["blocked_by"]) == ("0.0100", ["volume", "data_lag"])
    assert (said["inputs"]["rho"], said["inputs"]["e"], said["inputs"]["e_prev"]) == (None, None, None)


def test_few_points_say_nothing(service: WholeService) -> None:
    said = fresh(open_desk(service), *[(2_400, 100)] * 5).recommendation()
    assert (said["blocked_by"], said["recommended_rate"]) == (["volume"], "0.0100")
    said = fresh(open_desk(service, minimum_volume=9_600), *[(2_400, 100)] * 5).recommendation()
    assert (said["blocked_by"], said["differs"]) == ([], True)


@pytest.mark.parametrize(("hours", "lags"), [(48, False), (49, True)])
def test_when_nothing_arrives_any_more_the_tills_may_have_stopped(desk: Desk, hours: int, lags: bool) -> None:
    fresh(desk, *FIVE_LOW_WEEKS).later(hours=hours)
    said = desk.recommendation()
    assert (said["blocked_by"], said["differs"]) == (["data_lag"] if lags else [], not lags)


def test_after_a_rate_has_begun_the_next_is_due_in_the_next_week(desk: Desk) -> None:
    fresh(desk, *FIVE_LOW_WEEKS)
    desk.put_in_force(desk.recommendation()["recommended_rate"])
    said = desk.recommendation()
    assert (said["recommended_rate"], said["blocked_by"]) == ("0.01020201", ["cool_down"])
    said = fresh(desk, (100_000, 20_000)).recommendation()
    assert (said["recommended_rate"], said["blocked_by"]) == ("0.0104081", [])


def test_at_its_bound_it_raises_the_alarm_and_says_what_it_assumes(desk: Desk) -> None:
    desk.put_in_force("0.01", ceiling="0.01")
    said = fresh(desk, *FIVE_LOW_WEEKS).recommendation()
    (alarm,) = said["alarms"]
    assert (alarm["code"], alarm["log_move"]) == ("target_unreachable", "0.405465")
    assert "assumed, not measured" in alarm["en"]
    assert "仅为假设" in alarm["zh"]
    assert (said["recommended_rate"], said["differs"]) == ("0.0100", False)


def test_a_recommendation_changes_nothing(service: WholeService, desk: Desk) -> None:
    fresh(desk, *FIVE_LOW_WEEKS)
    before = service.rows()
    assert desk.recommendation() == desk.recommendation()
    assert service.rows() == before


def test_terms_decide_what_is_aimed_at(service: WholeService) -> None:
    desk = fresh(open_desk(service, target="0.20", low="0.18", high="0.22"), *FIVE_LOW_WEEKS)
    assert desk.recommendation()["differs"] is False


# --- switches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "block"), [("controller", "switched_off"), ("changes", "frozen")])
@pytest.mark.parametrize("role", ["operator", "approver", "admin"])
def test_one_call_switches_it_off_and_another_on(desk: Desk, code: str, block: str, role: str) -> None:
    fresh(desk, *FIVE_LOW_WEEKS)
    answer = desk.switch(code, on=False, role=role)
    assert answer.status_code == 200
    assert answer.json == {
        "kind": "band",
        "code": code,
        "on": False,
        "reason": "we want it so",
        "switched_by": desk.key_id(role),
        "switched_at": clock.show(desk.now),
    }
    said = desk.recommendation()
    assert (said["recommended_rate"], said["differs"], said["blocked_by"]) == ("0.0100", False, [block])
    assert steps(said)["blocked"] == CATALOGUE[f"blocked.{block}"].en
    desk.switch(code, on=True, role=role)
    assert desk.recommendation()["blocked_by"] == []


def test_a_frozen_rate_may_still_be_proposed_by_people(desk: Desk) -> None:
    desk.switch("changes", on=False)
    desk.switch("controller", on=False)
    assert desk.put_in_force("0.011")["version"] == 2


@pytest.mark.parametrize("code", ["controller", "changes", "auto"])
def test_a_key_of_a_region_switches_nothing(desk: Desk, code: str) -> None:
    for role in ("east operator", "east approver"):
        refused(desk.switch(code, on=False, role=role), 403, "other_region")


@pytest.mark.parametrize("role", ["pos", "checkout", "finance", "readonly"])
def test_only_who_may_switch_switches(desk: Desk, role: str) -> None:
    refused(desk.switch("controller", on=False, role=role), 403, "forbidden")


def test_a_reason_is_needed_and_a_known_switch(desk: Desk) -> None:
    path = "/v1/rates/band/switch"
    answer = desk.tenant.send("PUT", path, json={"code": "controller", "on": False})
    assert faults(answer) == {"reason"}
    answer = desk.tenant.send("PUT", path, json={"code": "rate", "on": False, "reason": "x"})
    assert faults(answer) == {"code"}


# --- automatic changes ---------------------------------------------------------------------------


@pytest.fixture
def willing(service: WholeService) -> Desk:
    """A program whose terms allow automatic changes."""
    desk = open_desk(service, mode="auto")
    desk.add_key("second approver", "approver")
    return desk


def ask(desk: Desk, role: str = "operator") -> Any:
    return desk.tenant.send("POST", "/v1/rates/band/auto", role=role, json={"reason": "trust"})


def asked(desk: Desk, role: str = "operator") -> str:
    answer = ask(desk, role)
    assert answer.status_code == 202, answer.data
    return str(answer.json["approval_id"])


def mode(desk: Desk) -> str:
    return str(desk.recommendation()["mode"])


def test_two_other_keys_turn_automatic_changes_on(willing: Desk) -> None:
    first = willing.decided(asked(willing))
    assert (first["auto"], mode(willing)) == (False, "recommend")
    second = willing.get(f"/v1/approvals/{first['second_approval']}")
    assert (second["kind"], second["status"]) == ("band_auto_second", "pending")
    assert second["proposed_by"] == willing.key_id("approver")
    assert second["content"]["proposed_by"] == willing.key_id("operator")
    done = willing.decided(first["second_approval"], role="second approver")
    keys = f"{willing.key_id('approver')}+{willing.key_id('second approver')}"
    assert done == {"auto": True, "approved_by": keys}
    assert mode(willing) == "auto"


def test_one_call_never_turns_them_on(willing: Desk) -> None:
    for role in ("admin", "operator", "approver"):
        assert faults(willing.switch("auto", on=True, role=role)) == {"on"}
    assert mode(willing) == "recommend"


def test_three_keys_are_three_keys(willing: Desk) -> None:
    proposal = asked(willing, role="admin")
    refused(willing.approve(proposal, role="admin"), 403, "self_approval")
    second = willing.decided(proposal)["second_approval"]
    told = refused(willing.approve(second, role="approver"), 403, "self_approval")
    assert told["proposed_by"] == willing.key_id("approver")
    told = refused(willing.approve(second, role="admin"), 403, "self_approval")
    assert told["proposed_by"] == willing.key_id("admin")
    assert mode(willing) == "recommend"
    assert willing.get(f"/v1/approvals/{second}")["status"] == "pending"
    assert willing.decided(second, role="second approver")["auto"] is True


def test_a_rejected_second_approval_turns_nothing_on(willing: Desk) -> None:
    second = willing.decided(asked(willing))["second_approval"]
    path = f"/v1/approvals/{second}/reject"
    answer = willing.tenant.send("POST", path, role="second approver", json={"reason": "no"})
    assert answer.status_code == 200
    assert mode(willing) == "recommend"


def test_a_key_of_a_region_has_no_say_in_it(willing: Desk) -> None:
    refused(ask(willing, role="east operator"), 403, "other_region")
    proposal = asked(willing)
    refused(willing.approve(proposal, role="east approver"), 403, "other_region")
    second = willing.decided(proposal)["second_approval"]
    refused(willing.approve(second, role="east approver"), 403, "other_region")


@pytest.mark.parametrize("role", ["approver", "finance", "pos", "readonly"])
def test_only_who_may_propose_asks_for_it(willing: Desk, role: str) -> None:
    refused(ask(willing, role=role), 403, "forbidden")


def test_the_same_wish_while_it_waits_is_the_same_one(willing: Desk) -> None:
    assert asked(willing) == asked(willing)


def test_one_call_ends_them_and_they_are_approved_anew(willing: Desk) -> None:
    willing.turn_auto_on()
    assert mode(willing) == "auto"
    assert willing.later(hours=1).switch("auto", on=False, role="operator").status_code == 200
    assert mode(willing) == "recommend"
    willing.later(hours=1).turn_auto_on()
    assert mode(willing) == "auto"


def test_killing_the_controller_ends_them_for_good(willing: Desk) -> None:
    willing.turn_auto_on()
    willing.later(hours=1).switch("controller", on=False)
    assert mode(willing) == "recommend"
    willing.later(hours=1).switch("controller", on=True)
    assert mode(willing) == "recommend"


def test_freezing_ends_nothing(willing: Desk) -> None:
    willing.turn_auto_on()
    willing.later(hours=1).switch("changes", on=False)
    assert mode(willing) == "auto"


def test_nothing_that_was_asked_before_the_kill_is_approved_after_it(willing: Desk) -> None:
    first, other = asked(willing), asked(willing, role="admin")
    second = willing.later(hours=1).decided(first)["second_approval"]
    willing.later(hours=1).switch("controller", on=False)
    for proposal in (second, other):
        refused(willing.approve(proposal, role="second approver"), 409, "band_switched_off")
    killed_at = clock.show(willing.now)
    willing.later(hours=1).switch("controller", on=True)
    for proposal in (second, other):
        told = refused(willing.approve(proposal, role="second approver"), 409, "band_switched_off")
        assert told["switched_off_at"] == killed_at
    assert mode(willing) == "recommend"


def test_while_the_controller_is_off_nobody_asks_for_it(willing: Desk) -> None:
    willing.switch("controller", on=False)
    refused(ask(willing), 409, "band_switched_off")


def test_terms_that_only_recommend_hold_whatever_is_approved(desk: Desk) -> None:
    desk.turn_auto_on()
    assert mode(desk) == "recommend"
