"""The life of a rate over HTTP: proposed, approved, dated, in force, listed; and each way in which it is refused."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from ledger.rules.terms import DEFAULT_TERMS
from tests.fx.desk import MONDAY, Desk, faults, refused


def shown(days: int) -> str:
    return clock.show(MONDAY + timedelta(days=days))


def test_a_program_begins_with_a_point_worth_one_minor_unit(desk: Desk) -> None:
    assert desk.current() == {
        "rate": "0.0100",
        "ask": "0.0100",
        "floor": "0.0070",
        "ceiling": "0.0130",
        "max_step": "0.2000",
        "currency": "CNY",
        "version": 1,
        "valid_from": "1970-01-01T00:00:00.000000Z",
        "next_change": None,
    }


def test_a_proposal_shows_the_whole_of_the_rate_and_changes_nothing(desk: Desk) -> None:
    answer = desk.propose("0.011")
    assert answer.status_code == 202
    assert (answer.json["kind"], answer.json["status"]) == ("rate", "pending")
    assert answer.json["content"] == {
        "rate": "0.0110",
        "ask": "0.0110",
        "floor": "0.0070",
        "ceiling": "0.0130",
        "max_step": "0.2000",
        "valid_from": None,
        "reason": "the plan",
    }
    assert desk.current()["version"] == 1
    assert desk.versions() == [1]


def test_another_key_approves_and_it_is_in_force_from_then_on(desk: Desk) -> None:
    proposal = desk.proposed("0.011", ask="0.012", floor="0.008", ceiling="0.014", max_step="0.1")
    assert desk.later(hours=1).decided(proposal) == {
        "version": 2,
        "rate": "0.0110",
        "valid_from": clock.show(desk.now),
    }
    assert desk.current() == {
        "rate": "0.0110",
        "ask": "0.0120",
        "floor": "0.0080",
        "ceiling": "0.0140",
        "max_step": "0.1000",
        "currency": "CNY",
        "version": 2,
        "valid_from": clock.show(desk.now),
        "next_change": None,
    }


def test_a_rate_that_is_scheduled_is_told_as_the_next_change(desk: Desk) -> None:
    desk.put_in_force("0.011", valid_from=shown(7))
    assert (desk.current()["version"], desk.current()["next_change"]) == (1, shown(7))
    desk.at(MONDAY + timedelta(days=7) - timedelta(microseconds=1))
    assert desk.current()["version"] == 1
    desk.later(microseconds=1)
    assert (desk.current()["version"], desk.current()["next_change"]) == (2, None)


def test_a_rate_is_never_in_force_before_its_approval(desk: Desk) -> None:
    proposal = desk.proposed("0.011", valid_from=shown(1))
    desk.later(days=3)
    assert desk.decided(proposal)["valid_from"] == shown(3)


def test_of_two_that_begin_together_the_later_version_counts(desk: Desk) -> None:
    desk.put_in_force("0.011", valid_from=shown(7))
    desk.put_in_force("0.009", valid_from=shown(7))
    assert desk.later(days=7).current()["version"] == 3


def test_what_is_left_out_is_as_when_the_rate_begins(desk: Desk) -> None:
    desk.put_in_force("0.011", ask="0.013", floor="0.009", max_step="0.1", valid_from=shown(7))
    now, then = desk.propose("0.0105"), desk.propose("0.0115", valid_from=shown(8))
    assert (now.json["content"]["floor"], now.json["content"]["max_step"]) == ("0.0070", "0.2000")
    assert (then.json["content"]["floor"], then.json["content"]["max_step"]) == ("0.0090", "0.1000")
    # The ask follows the rate, not the ask before.
    assert then.json["content"]["ask"] == "0.0115"


def test_the_same_proposal_again_while_it_waits_is_the_same_one(desk: Desk) -> None:
    first = desk.proposed("0.011")
    assert desk.proposed("0.0110") == first
    assert desk.proposed("0.011", ask="0.012") != first
    desk.decided(first)
    assert desk.proposed("0.011") != first


def test_versions_are_listed_newest_first_and_page_by_page(desk: Desk) -> None:
    for rate in ("0.011", "0.012", "0.0115"):
        desk.later(days=1).put_in_force(rate)
    page = desk.get("/v1/rates?limit=2")
    assert [each["version"] for each in page["data"]] == [4, 3]
    rest = desk.get(f"/v1/rates?limit=2&cursor={page['next_cursor']}")
    assert [each["version"] for each in rest["data"]] == [2, 1]
    assert rest["next_cursor"] is None
    assert page["data"][0] == {
        "rate": "0.0115",
        "ask": "0.0115",
        "floor": "0.0070",
        "ceiling": "0.0130",
        "max_step": "0.2000",
        "currency": "CNY",
        "version": 4,
        "valid_from": shown(3),
        "recorded_at": shown(3),
        "is_current": True,
        "reason": "the plan",
        "proposed_by": desk.key_id("operator"),
        "approved_by": desk.key_id("approver"),
    }
    assert [each["is_current"] for each in rest["data"]] == [False, False]
    assert (rest["data"][1]["proposed_by"], rest["data"][1]["approved_by"]) == (None, None)


def test_a_cursor_of_another_list_is_refused(desk: Desk) -> None:
    answer = desk.tenant.send("GET", "/v1/rates?cursor=QQ", role="readonly")
    assert faults(answer) == {"cursor"}


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code", "details"),
    [
        (
            {"rate": "0.0131"},
            "rate_out_of_bounds",
            {"rate": "0.0131", "floor": "0.0070", "ceiling": "0.0130"},
        ),
        ({"rate": "0.0069"}, "rate_out_of_bounds", {}),
        ({"rate": "0.01", "floor": "0.0101"}, "rate_out_of_bounds", {}),
        (
            {"rate": "0.0121", "ceiling": "1"},
            "rate_step_exceeded",
            {"rate": "0.0121", "version": 1, "neighbour": "0.0100", "max_step": "0.2000"},
        ),
        ({"rate": "0.0121", "max_step": "1"}, "rate_step_exceeded", {}),
        ({"rate": "0.0079"}, "rate_step_exceeded", {}),
        ({"rate": "0.011", "ask": "0.0109"}, "rate_ask_below_bid", {"rate": "0.0110", "ask": "0.0109"}),
    ],
)
def test_a_rate_that_does_not_fit_is_refused_when_it_is_proposed(
    desk: Desk, wanted: dict[str, str], code: str, details: dict[str, Any]
) -> None:
    told = refused(desk.propose(**wanted), 422, code)
    assert details.items() <= told.items()
    assert desk.get("/v1/approvals")["data"] == []


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ({"rate": "0.012345678"}, {"rate"}),
        ({"rate": "0"}, {"rate"}),
        ({"rate": "0.01", "ask": "1000000.5"}, {"ask"}),
        ({"rate": "0.01", "floor": "0", "ceiling": "1000001"}, {"floor", "ceiling"}),
        ({"rate": "0.01", "max_step": "1.5"}, {"max_step"}),
        ({"rate": "0.01", "max_step": "0"}, {"max_step"}),
        ({"rate": "1e-2"}, {"rate"}),
        ({"rate": "-0.01"}, {"rate"}),
        ({"rate": 0.01}, {"rate"}),
        ({"rate": "0.01", "reason": ""}, {"reason"}),
        ({"rate": "0.01", "valid_from": "2026-11-09"}, {"valid_from"}),
        ({"rate": "0.01", "currency": "CNY"}, {"currency"}),
    ],
)
def test_what_no_rate_may_be_is_named_by_its_field(
    desk: Desk, wanted: dict[str, Any], fields: set[str]
) -> None:
    assert faults(desk.propose(**wanted)) == fields


def test_a_reason_is_needed(desk: Desk) -> None:
    answer = desk.tenant.send("POST", "/v1/rates", role="operator", json={"rate": "0.011"})
    assert faults(answer) == {"reason"}


def test_no_rate_begins_in_the_past(desk: Desk) -> None:
    told = refused(desk.propose("0.011", valid_from=shown(-1)), 422, "active_from_past")
    assert told["now"] == shown(0)


def test_what_no_longer_fits_is_refused_when_it_is_approved_and_waits_on(desk: Desk) -> None:
    far = desk.proposed("0.012")
    desk.put_in_force("0.009")
    desk.later(hours=1)
    told = refused(desk.approve(far), 422, "rate_step_exceeded")
    assert (told["version"], told["neighbour"]) == (2, "0.0090")
    assert desk.get(f"/v1/approvals/{far}")["status"] == "pending"
    assert desk.versions() == [2, 1]
    # A rate between makes the way.
    desk.later(hours=1).put_in_force("0.0105")
    assert desk.later(hours=1).decided(far)["version"] == 4


def test_what_is_put_before_a_scheduled_rate_keeps_within_its_step(desk: Desk) -> None:
    desk.put_in_force("0.009", valid_from=shown(7), max_step="0.1")
    told = refused(desk.propose("0.01", valid_from=shown(3)), 422, "rate_step_exceeded")
    assert told["version"] == 2
    assert desk.put_in_force("0.0099", valid_from=shown(3))["version"] == 3


def test_nobody_approves_a_rate_of_his_own(desk: Desk) -> None:
    proposal = desk.proposed("0.011", role="admin")
    refused(desk.approve(proposal, role="admin"), 403, "self_approval")
    assert desk.versions() == [1]


def test_a_rate_that_was_rejected_never_begins(desk: Desk) -> None:
    proposal = desk.proposed("0.011")
    path = f"/v1/approvals/{proposal}/reject"
    assert desk.tenant.send("POST", path, role="approver", json={"reason": "no"}).status_code == 200
    refused(desk.approve(proposal), 409, "approval_decided")
    assert desk.versions() == [1]


def test_a_key_of_a_region_proposes_and_approves_no_rate(desk: Desk) -> None:
    assert refused(desk.propose("0.011", role="east operator"), 403, "other_region")["region"] == "east"
    refused(desk.approve(desk.proposed("0.011"), role="east approver"), 403, "other_region")
    assert desk.versions() == [1]


@pytest.mark.parametrize("role", ["approver", "pos", "checkout", "finance", "readonly"])
def test_only_who_may_propose_proposes(desk: Desk, role: str) -> None:
    assert refused(desk.propose("0.011", role=role), 403, "forbidden")["required_scope"] == "propose"


def test_rates_of_another_program_are_not_seen(desk: Desk) -> None:
    other = desk.service.tenant(f"other than {desk.tenant.program.name}")
    desk.put_in_force("0.011")
    answer = other.send("GET", "/v1/rates/current", role="readonly")
    assert (answer.json["version"], answer.json["rate"]) == (1, "0.0100")


# --- the band in the terms -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "band",
    [
        {},
        {"target": "0.29"},
        {"target": "0.25", "low": "0.20", "high": "0.30", "minimum_volume": 5, "lag_hours_max": 24},
        {"mode": "auto"},
    ],
)
def test_the_band_is_a_part_of_the_terms(desk: Desk, band: dict[str, Any]) -> None:
    answer = desk.tenant.send("PUT", "/v1/program/terms", json={**DEFAULT_TERMS, "band": band})
    assert answer.status_code == 200, answer.data
    inputs = desk.recommendation()["inputs"]
    assert {name: inputs[name] for name in band if name in inputs} == {
        name: value for name, value in band.items() if name in inputs
    }


@pytest.mark.parametrize(
    "band",
    [
        {"target": "0.33"},
        {"target": "0.28"},
        {"low": "0.0", "target": "0.1", "high": "0.2"},
        {"target": 0.3},
        {"target": "1.0"},
        {"minimum_volume": 0},
        {"lag_hours_max": 0},
        {"mode": "always"},
        {"gain": "0.3"},
    ],
)
def test_what_is_no_band_is_refused(desk: Desk, band: dict[str, Any]) -> None:
    answer = desk.tenant.send("PUT", "/v1/program/terms", json={**DEFAULT_TERMS, "band": band})
    assert all("band" in field for field in faults(answer))
