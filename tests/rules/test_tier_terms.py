"""Tiers in the terms: what is refused before it can rule anybody."""

import json
from typing import Any

import pytest
from marshmallow import ValidationError

from ledger.accounts.ladders import ladder_of
from ledger.accounts.policies import ExpiryPolicy
from ledger.rules.schemas import TermsSchema
from ledger.rules.terms import RegionShare, terms_of
from tests.builders import program, terms
from tests.ladders import tiers


def level(code: str = "member", threshold: int = 0, **changes: Any) -> dict[str, Any]:
    return {"code": code, "threshold": threshold, "name": {"zh": "等级", "en": "Level"}, **changes}


def benefit(code: str = "voucher", per: str = "year") -> dict[str, Any]:
    return {"code": code, "per": per, "name": {"zh": "券", "en": "Voucher"}}


def test_tiers_may_be_left_out_and_most_of_them_too() -> None:
    TermsSchema().load(terms())
    ladder = ladder_of(json.dumps(terms(tiers={"levels": [level()], "period": {"kind": "never"}})))
    assert ladder is not None
    assert (ladder.lands_softly, ladder.grace_days, ladder.floor, ladder.protection_days) == (True, 0, 0, 0)
    assert (ladder.crosses_first, ladder.falls_at_once) == (False, True)
    assert ladder_of(json.dumps(terms())) is None


def test_a_whole_ladder_is_read_as_it_was_accepted() -> None:
    stored = tiers(
        floor="silver",
        landing="hard",
        grace_days=30,
        protection_days=90,
        crossing_rate="after",
        return_policy="at_period_end",
    )
    stored["levels"][1]["entitlements"] = [benefit()]
    accepted = TermsSchema().load(terms(tiers=stored))
    ladder = ladder_of(json.dumps(accepted))
    assert ladder is not None
    assert [(rung.code, rung.threshold) for rung in ladder.levels][:2] == [("member", 0), ("silver", 1_000)]
    assert ladder.levels[1].benefits[0][:2] == ("voucher", "year")
    assert ladder.period == ExpiryPolicy("end_of_year", 0)
    assert (ladder.lands_softly, ladder.grace_days, ladder.floor, ladder.protection_days) == (
        False,
        30,
        1,
        90,
    )
    assert (ladder.crosses_first, ladder.falls_at_once) == (True, False)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"levels": []}, "levels"),
        ({"levels": [level(f"l-{n}", n) for n in range(21)]}, "levels"),
        ({"levels": [level(threshold=1)]}, "levels"),
        ({"levels": [level(), level("silver", 0)]}, "levels"),
        ({"levels": [level(), level("silver", 9), level("gold", 9)]}, "levels"),
        ({"levels": [level(), level("silver", -1)]}, "levels"),
        ({"levels": [level(), level("member", 9)]}, "levels"),
        ({"levels": [level("no spaces")]}, "levels"),
        ({"levels": [level(name={"en": "Level"})]}, "levels"),
        ({"levels": [level(name={"en": "L" * 65, "zh": "等级"})]}, "levels"),
        ({"levels": [level(entitlements=[benefit(), benefit()])]}, "levels"),
        ({"levels": [level(entitlements=[benefit(per="week")])]}, "levels"),
        ({"floor": "bronze"}, "floor"),
        ({"period": {"kind": "rolling", "months": 12}}, "period"),
        ({"period": {"kind": "fixed_days", "days": 0}}, "period"),
        ({"landing": "crash"}, "landing"),
        ({"grace_days": -1}, "grace_days"),
        ({"protection_days": 3_651}, "protection_days"),
        ({"crossing_rate": "during"}, "crossing_rate"),
        ({"return_policy": None}, "return_policy"),
        ({"colour": "gold"}, "colour"),
    ],
)
def test_a_broken_ladder_is_refused_where_it_is_broken(change: dict[str, Any], refused: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        TermsSchema().load(terms(tiers=tiers() | change))
    assert isinstance(refusal.value.messages, dict)
    assert list(refusal.value.messages["tiers"]) == [refused]


def test_the_share_of_a_region_and_the_time_of_judging_are_terms() -> None:
    share = {"percent": 20, "of": "headquarters", "period": "month"}
    changed = terms_of(program(judged_at="recorded_at", region_share=share))
    assert changed.judged_at == "recorded_at"
    assert changed.region_share == RegionShare(20, "headquarters", "month")
    assert (terms_of(program()).judged_at, terms_of(program()).region_share) == ("occurred_at", None)
    TermsSchema().load(terms(judged_at="recorded_at", region_share=share))
    for wrong in ({"percent": 101}, {"of": "nobody"}, {"period": "day"}):
        with pytest.raises(ValidationError):
            TermsSchema().load(terms(region_share=share | wrong))
