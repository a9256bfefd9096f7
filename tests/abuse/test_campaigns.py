"""Campaigns that are over, that are not for everybody, that stack, and rules that somebody got wrong."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger import clock
from tests.concurrency.http.race import Contest, Sent, codes
from tests.faults.clients import Answer
from tests.rulebooks import PER_YUAN, fixed, rule, times

from .shop import Shop, dated, refused

BASE = rule("base", name={"en": "base", "zh": "基础"})


def named(code: str, rate: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return rule(code, rate, name={"en": code, "zh": code}, **rest)


def campaign(code: str, **rest: Any) -> dict[str, Any]:
    return {"code": code, "name": {"en": code, "zh": code}, **rest}


def day(moment: datetime) -> str:
    """A day as campaigns name it, where the shop is."""
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d}"


def earned(answer: Answer) -> int:
    assert answer.status == 201, answer.body
    points: int = answer.document["points"]
    return points


def buying(contest: Contest, member: str, points: int) -> Sent:
    """A purchase of this moment: rules judge what happened after they came into force."""
    return dated(contest.buying(member, points))


@pytest.fixture(scope="module")
def program(shop: Shop) -> str:
    return shop.program()


@pytest.fixture
def contest(shop: Shop, program: str) -> Contest:
    return shop.contest(program=program)


@pytest.mark.parametrize("judged_at", ["occurred_at", "recorded_at"])
def test_a_campaign_that_is_over_or_yet_to_come_gives_nothing(shop: Shop, judged_at: str) -> None:
    """Pinduoduo 2019: a retired voucher was still honoured. A window is a window, and dates of tills widen none."""
    program = shop.program("--test")
    contest = shop.contest(program=program)
    voucher = named("voucher", fixed(100), campaign="retired", caps={"ever": 100})
    coming = named("coming", fixed(1_000), campaign="coming")
    start = clock.system_now()
    windows = [
        campaign("retired", **{"from": day(start), "until": day(start + timedelta(days=10))}),
        campaign("coming", **{"from": day(start + timedelta(days=60))}),
    ]
    terms = shop.must(contest.token, "GET", "/v1/program")["terms"]
    shop.must(contest.token, "PUT", "/v1/program/terms", {**terms, "judged_at": judged_at})
    shop.rule(program, BASE, voucher, coming, campaigns=windows)
    later = start + timedelta(days=20)
    assert (
        earned(contest.send(dated(contest.buying(contest.fresh(), 10), start + timedelta(seconds=30)))) == 110
    )
    assert contest.send(contest.moving_clock(later.isoformat())).status == 200

    member = contest.fresh()
    answers = contest.race([dated(contest.buying(member, 10), later) for _ in range(20)])
    assert [earned(answer) for answer in answers] == [10] * 20
    # A receipt that comes late is as old as the program's terms say, and gets it once at most.
    late = [dated(contest.buying(member, 10), start + timedelta(days=5)) for _ in range(20)]
    got = Counter(earned(answer) for answer in contest.race(late))
    assert got == {110: 1, 10: 19}
    ahead = contest.send(dated(contest.buying(member, 10), later + timedelta(days=50)))
    assert (ahead.status, ahead.code) == (422, "occurred_in_future")


def test_a_private_campaign_is_for_those_it_names(shop: Shop, program: str, contest: Contest) -> None:
    """Pinduoduo 2019: the voucher was meant for the guests of a show. Only the shop says who is one."""
    gift = named("guests", fixed(100), when="has(member.attributes.guest)", campaign="show")
    shop.rule(program, BASE, gift, campaigns=[campaign("show")])
    guest, other = contest.fresh(), contest.fresh()
    shop.must(contest.token, "PUT", f"/v1/members/{guest}", {"attributes": {"guest": "yes"}})
    assert earned(contest.send(buying(contest, guest, 10))) == 110
    claim = buying(contest, other, 10)
    refused(contest.send(replace(claim, body={**claim.body, "campaign": "show"})), 400, "invalid_request")
    refused(
        contest.send(replace(claim, body={**claim.body, "attributes": {"guest": "yes"}})),
        400,
        "invalid_request",
    )
    assert earned(contest.send(buying(contest, other, 10))) == 10
    token = shop.token(other)
    refused(
        shop.ask(token, "PUT", f"/v1/members/{other}", {"attributes": {"guest": "yes"}}), 403, "forbidden"
    )


def test_fifty_claims_at_once_keep_within_every_cap(shop: Shop, program: str, contest: Contest) -> None:
    """Pinduoduo 2019: unlimited claims, for ten hours. Caps per member and campaign, and a budget, hold at once."""
    fund = contest.fresh()
    shop.grant(fund, 1_000, program)
    voucher = named("voucher", fixed(100), campaign="drop", caps={"ever": 300})
    gift = named("once", fixed(50), once=True, campaign="drop")
    drop = campaign("drop", caps={"ever": 350}, funds=[fund])
    shop.rule(program, BASE, voucher, gift, campaigns=[drop])
    greedy = contest.fresh()
    answers = until_definite(contest, [buying(contest, greedy, 1) for _ in range(50)])
    assert sum(map(earned, answers)) == 50 + 350
    others = until_definite(contest, [buying(contest, contest.fresh(), 1) for _ in range(50)])
    given = sum(map(earned, others)) - 50
    assert given == 650
    left = shop.must(contest.token, "GET", f"/v1/funds/{fund}")
    assert (left["granted"], left["spent"], left["available"]) == (1_000, 1_000, 0)


def until_definite(contest: Contest, wishes: list[Sent]) -> list[Answer]:
    """The answers; who was told to come again comes again, with the same key."""
    answers = contest.race(wishes)
    for number, wish in enumerate(wishes):
        for _ in range(20):
            if answers[number].is_definite:
                break
            answers[number] = contest.send(wish)
    return answers


def test_a_rule_comes_into_force_by_two_people_only(shop: Shop, program: str, contest: Contest) -> None:
    """Alipay 2025: one template, wrongly set up, for everybody. Who proposes does not approve, not even an admin."""
    maker = shop.key("admin", program)
    content = {"rules": [named("all", {"kind": "per_amount", "per": 20, "amount": 100})]}
    saved = shop.must(maker, "POST", "/v1/rule-sets", {"content": content})
    path = f"/v1/rule-sets/{saved['version']}"
    refused(shop.ask(maker, "POST", f"{path}/activations", {"reason": "now"}), 409, "rule_set_not_approved")
    proposed = shop.must(maker, "POST", f"{path}/proposals", {})
    refused(shop.ask(maker, "POST", f"/v1/approvals/{proposed['approval_id']}/approve"), 403, "self_approval")
    for role in ("pos", "operator"):
        reply = shop.ask(shop.key(role, program), "POST", f"/v1/approvals/{proposed['approval_id']}/approve")
        refused(reply, 403, "forbidden")
    assert earned(contest.send(buying(contest, contest.fresh(), 10))) < 200
    # What was meant to be is first tried on what was sold, and the trial writes nothing.
    trial = shop.ask(maker, "POST", "/v1/simulations", {"rule_set": {"content": content}})
    assert trial.status == 200, trial.body


def test_a_wrong_rule_stops_at_its_budget_and_by_one_call(shop: Shop, program: str, contest: Contest) -> None:
    """Alipay 2025: five minutes of 20 percent for everybody. A budget ends it by itself, a switch at once."""
    fund = contest.fresh()
    shop.grant(fund, 1_000, program)
    wrong = named("wrong", {"kind": "per_amount", "per": 20, "amount": 100}, funds=[fund])
    shop.rule(program, BASE, wrong)
    answers = until_definite(contest, [buying(contest, contest.fresh(), 10) for _ in range(20)])
    assert Counter(map(earned, answers)) == {210: 5, 10: 15}
    shop.grant(fund, 1_000, program)
    off = {"on": False, "reason": "a wrong template"}
    shop.must(shop.key("operator", program), "PUT", "/v1/rules/wrong/switch", off)
    after = contest.race([buying(contest, contest.fresh(), 10) for _ in range(20)])
    assert {earned(answer) for answer in after} == {10}


def promotions(chance: random.Random) -> list[dict[str, Any]]:
    """Promotions at random, which stack with each other in every way that there is."""
    found = []
    for number in range(chance.randint(3, 6)):
        rate = chance.choice([fixed(chance.randint(1, 80)), times(chance.randint(2, 4), 1), PER_YUAN])
        more: dict[str, Any] = {"priority": chance.randint(1, 50) * 10 + number}
        if rate["kind"] != "multiplier" and chance.random() < 1 / 2:
            mode = chance.choice(["best_of", "exclusive", "sum"])
            more["stacking"] = {"group": f"{mode}-{chance.randint(1, 2)}", "mode": mode}
        if rate["kind"] == "fixed" and chance.random() < 1 / 2:
            more["once"] = True
        found.append(named(f"promo-{number}", rate, campaign="all", **more))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_stacked_promotions_keep_within_their_cap_in_whatever_order(
    shop: Shop, program: str, contest: Contest, seed: int
) -> None:
    """Coupon stacking: the total is capped, the order in which they are told is of no account, and once is once."""
    chance = random.Random(seed)
    rules, cap = promotions(chance), chance.randint(20, 120)
    together = campaign("all", caps={"transaction": cap})
    seen = []
    for _ in range(2):
        shop.rule(program, BASE, *rules, campaigns=[together])
        seen.append(earned(contest.send(buying(contest, contest.fresh(), 30))))
        chance.shuffle(rules)
    assert seen[0] == seen[1] <= 30 + cap
    member = contest.fresh()
    answers = contest.race([buying(contest, member, 30) for _ in range(20)])
    awards = Counter(award["rule"] for answer in answers for award in answer.document["awards"])
    assert max(map(earned, answers)) <= 30 + cap
    assert all(awards[each["code"]] <= 1 for each in rules if each.get("once"))


def test_a_coupon_is_used_once_across_twenty_checkouts(shop: Shop, program: str, contest: Contest) -> None:
    """Coupon stacking: one coupon in twenty baskets that are paid at one moment."""
    shop.rule(program, BASE, named("coupon", fixed(500), once=True))
    member = contest.fresh()
    answers = contest.race([buying(contest, member, 1) for _ in range(20)])
    assert Counter(map(earned, answers)) == {1: 19, 501: 1}
    assert set(codes(answers)) == {None}
    assert json.dumps([answer.document["awards"] for answer in answers]).count('"coupon"') == 1
