"""Simulation: a draft replayed on what was really posted says what really posting under it would have given."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, text

from ledger.access.principals import Principal
from ledger.accounts.models import rule_activations
from ledger.accounts.programs import find_program, touch
from ledger.config import Settings
from ledger.errors import Overloaded
from ledger.journal.commands import Source
from ledger.rules.activities import Activity
from ledger.rules.commands import Line, Purchase
from ledger.rules.register import save
from ledger.rules.returns import Return, ReturnedLine
from ledger.rules.simulation.drafts import Draft, Selection
from ledger.rules.simulation.runs import Simulation
from tests.rulesets import EVER, doubled, fixed, rule
from tests.till import Till, day, new_program, open_till, terms

MOMENT = timedelta(seconds=1)

TIERS: dict[str, Any] = {
    "levels": [
        {"code": "member", "threshold": 0},
        {"code": "silver", "threshold": 300},
        {"code": "gold", "threshold": 900},
    ],
    "period": {"kind": "fixed_days", "days": 20},
    "landing": "soft",
    "crossing_rate": "after",
}
GROWTH = rule("growth", "GROWTH", caps={"day": 150})
BY_TIER = {"silver": {"numerator": 3, "denominator": 2}, "gold": {"numerator": 2, "denominator": 1}}
ACTIVE = [
    rule("base", by_tier=BY_TIER),
    GROWTH,
    doubled("first-order", when="member.visits == 1", once=True),
    fixed("coffee", 7, lines={"categories": ["coffee"]}, caps={"week": 20}),
    fixed("sign-in", 3, on="sign_in", when="member.streak >= 2"),
]
DRAFT = [
    rule("base", rate={"kind": "per_amount", "per": 3, "amount": 200}, by_tier=BY_TIER),
    GROWTH,
    fixed("north-bonus", 11, when="region.id == 'north' && member.tier != 'member'", caps={"day": 15}),
    fixed("coffee", 7, lines={"categories": ["coffee"]}, caps={"week": 20}),
]


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_till(
        fresh_database.app_url, tiers=TIERS, growth_expiry={"kind": "fixed_days", "days": 25}
    ) as till:
        yield till


def activate(till: Till, *rules: dict[str, Any], since: datetime = EVER, **rest: Any) -> int:
    """Put rules of headquarters in force without waiting for anybody; the version."""

    def work(connection: Any) -> int:
        maker = Principal("tests", till.program, "admin", frozenset())
        content = {"rules": list(rules), **rest}
        version, _ = save(connection, till.program, "", content, by=maker, now=till.now)
        connection.execute(
            insert(rule_activations).values(
                program_id=till.program.program_id,
                owner="",
                version=version.version,
                active_from=since,
                activated_by="tests",
                recorded_at=till.now,
            )
        )
        touch(connection, till.program.program_id)
        return version.version

    version = till.database.run(work)
    refresh(till)
    return version


def refresh(till: Till) -> None:
    with till.reading() as connection:
        found = find_program(connection, till.program.name)
    assert found is not None
    till.program = found


def post_history(till: Till, seed: int = 7, purchases: int = 120) -> None:
    """The same history whenever it is posted: purchases, some of them late, sign-ins, returns."""
    chance = Random(seed)
    for number in range(purchases):
        till.at(day(number // 2) + timedelta(hours=number % 20))
        member = f"m-{chance.randrange(8)}"
        late = timedelta(days=chance.choice([0, 0, 0, 0, 3]))
        lines = tuple(
            Line(str(n), 2, chance.randrange(0, 12_000), f"sku-{n}", chance.choice(["coffee", "tea", None]))
            for n in range(1, chance.randrange(2, 5))
        )
        source = Source(
            "pos", f"store-{chance.randrange(3)}", chance.choice(["north", "south", None]), None, None
        )
        bought = Purchase(f"p-{number}", member, till.now - late, "CNY", lines, source)
        till.post(bought)
        if chance.random() < 0.3:
            till.post(Activity(f"a-{number}", member, "sign_in", till.now))
        if chance.random() < 0.2:
            line = chance.choice(lines)
            back = ReturnedLine(line.line_id, 1, line.amount // 3)
            till.post(Return(f"p-{number}", f"r-{number}", till.now, (back,)))
    till.at(day(purchases // 2 + 1))


def simulated(till: Till, *rules: dict[str, Any], workers: int = 1, **selected: Any) -> dict[str, Any]:
    """The report of these rules in the place of headquarters'."""
    draft = Draft(content=json.dumps({"rules": list(rules)}) if rules else None)
    return run(till, draft, Selection(**{"end": till.now + MOMENT, **selected}), workers)


def run(till: Till, draft: Draft, selection: Selection, workers: int = 1) -> dict[str, Any]:
    url = till.database.engine.url.render_as_string(hide_password=False)
    simulation = Simulation(Settings(), url, till.program.name, draft, selection, till.now)
    steps = simulation.steps(workers)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        report: dict[str, Any] = stop.value
        return report
    finally:
        simulation.close()


def in_books(till: Till) -> dict[str, dict[str, int]]:
    """What the postings of the program say was issued and taken back."""
    rows = till.rows(
        "SELECT p.debit, p.credit, sum(p.amount) FROM postings p JOIN holders h USING (holder_id) "
        "WHERE h.program_id = :program GROUP BY 1, 2",
        program=till.program.program_id,
    )
    sums = {"points": {"issued": 0, "taken_back": 0}, "growth": {"issued": 0, "taken_back": 0}}
    for unit, account in (("points", 50), ("growth", 60)):
        sums[unit]["issued"] = sum(int(amount) for debit, _, amount in rows if debit == account)
        sums[unit]["taken_back"] = sum(int(amount) for _, credit, amount in rows if credit == account)
        sums[unit]["net"] = sums[unit]["issued"] - sums[unit]["taken_back"]
    return sums


def tiers_in_books(till: Till) -> dict[str, int]:
    return dict(
        till.rows(
            "SELECT tier, count(*) FROM holders WHERE program_id = :program AND tier IS NOT NULL GROUP BY 1",
            program=till.program.program_id,
        )
    )


def test_the_rules_in_force_against_themselves_make_no_difference_and_give_what_the_books_say(
    till: Till,
) -> None:
    version = activate(till, *ACTIVE)
    post_history(till)
    content = till.rows("SELECT content::text FROM rule_sets")[0][0]
    report = run(till, Draft("", version, content), Selection(), workers=2)
    books = in_books(till)
    for unit in ("points", "growth"):
        totals = report["totals"][unit]
        assert totals["active"] == totals["draft"] == totals["books"] == books[unit]
        assert set(totals["difference"].values()) == {0}
    assert report["liability"] == {"points": 0, "face_value": None}
    assert report["members"] == {"gain": [], "lose": []}
    assert (report["tiers"]["higher"], report["tiers"]["lower"]) == (0, 0)
    assert report["read"]["purchases"] == 120 and report["read"]["members"] == 8
    assert report["read"]["returns"] > 5 and report["read"]["activities"] > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rules_judged_anew_give_what_the_books_remember(till: Till, seed: int) -> None:
    # A rule that never applies makes it another set of rules, so that nothing is taken from memory.
    activate(till, *ACTIVE)
    post_history(till, seed)
    never = [
        fixed("never", 1, unit, on=on, when="member.visits < 0")
        for unit in ("POINT", "GROWTH")
        for on in ("purchase", "sign_in")
    ]
    never = [{**each, "code": f"never-{number}"} for number, each in enumerate(never)]
    report = simulated(till, *ACTIVE, *never)
    assert report["totals"]["points"]["draft"] == in_books(till)["points"]
    assert report["totals"]["growth"]["draft"] == in_books(till)["growth"]
    assert {row["rule"] for row in report["fences"]} == {"coffee", "growth"}
    assert all(row["kept_back"]["difference"] == 0 for row in report["fences"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_posting_the_same_history_under_the_draft_gives_what_was_simulated(till: Till, seed: int) -> None:
    activate(till, *ACTIVE)
    post_history(till, seed)
    report = simulated(till, *DRAFT)
    changed = {"tiers": TIERS, "growth_expiry": {"kind": "fixed_days", "days": 25}}
    other = Till(till.database, new_program(till.database, "another", **changed))
    activate(other, *DRAFT)
    post_history(other, seed)
    assert report["totals"]["points"]["draft"] == in_books(other)["points"]
    assert report["totals"]["growth"]["draft"] == in_books(other)["growth"]
    assert report["totals"]["points"]["active"] == in_books(till)["points"]
    by_rule = {(row["rule"], row["unit"]): row["amount"]["draft"] for row in report["rules"]}
    posted = other.rows(
        "SELECT a->>'rule', a->>'unit', sum((a->>'amount')::bigint) FROM entries e JOIN holders h USING (holder_id), "
        "json_array_elements(e.details->'awards') a WHERE h.program_id = :program GROUP BY 1, 2",
        program=other.program.program_id,
    )
    assert {key: amount for key, amount in by_rule.items() if amount} == {
        (code, unit): int(amount) for code, unit, amount in posted
    }


def test_a_number_that_a_person_can_check(till: Till) -> None:
    activate(till, rule("base"), rule("growth", "GROWTH"))
    till.at(day(1)).buy("m-1", 10_000)
    bought = till.at(day(2)).buy("m-1", 20_000)
    till.at(day(3)).give_back(bought, 1, 5_000)
    till.at(day(4)).buy("m-2", 9_900)
    # Two points for each yuan above 100 yuan, one below: 1 × 100, 2 × 200 of which a quarter goes back, 1 × 99.
    step = {"from": 0, "per": 1, "amount": 100}, {"from": 10_001, "per": 2, "amount": 100}
    report = simulated(
        till,
        rule("base", rate={"kind": "steps", "steps": list(step), "mode": "whole"}),
        rule("growth", "GROWTH"),
    )
    points = report["totals"]["points"]
    assert points["active"] == {"issued": 399, "taken_back": 50, "net": 349}
    assert points["draft"] == {"issued": 599, "taken_back": 100, "net": 499}
    assert report["liability"]["points"] == 150
    (member,) = report["members"]["gain"]
    assert member["member_id"] == "m-1"
    assert member["points"] == {"active": 250, "draft": 400, "difference": 150}
    assert report["totals"]["growth"]["difference"] == {"issued": 0, "taken_back": 0, "net": 0}
    assert report["tiers"]["matrix"] == [{"active": "member", "draft": "member", "members": 2}]


def test_more_growth_raises_tiers_and_with_them_points(till: Till) -> None:
    activate(till, rule("base", by_tier=BY_TIER), rule("growth", "GROWTH"))
    till.at(day(1)).buy("m-1", 20_000)
    till.at(day(2)).buy("m-1", 5_000)
    faster = rule("growth", "GROWTH", rate={"kind": "per_amount", "per": 2, "amount": 100})
    report = simulated(till, rule("base", by_tier=BY_TIER), faster)
    # 400 growth on the first day is silver at once, and rated as such: 300 + 75 in the place of 200 + 50.
    assert report["totals"]["points"]["active"]["issued"] == 250
    assert report["totals"]["points"]["draft"]["issued"] == 375
    assert report["tiers"]["matrix"] == [{"active": "member", "draft": "silver", "members": 1}]
    assert (report["tiers"]["higher"], report["tiers"]["lower"]) == (1, 0)


def test_terms_can_be_tried_with_their_ladder(till: Till) -> None:
    activate(till, rule("base", by_tier=BY_TIER), rule("growth", "GROWTH"))
    till.at(day(1)).buy("m-1", 20_000)
    lower = {**TIERS, "levels": [*TIERS["levels"][:1], {"code": "silver", "threshold": 100}]}
    draft = Draft(terms=json.dumps(terms(tiers=lower)))
    report = run(till, draft, Selection(end=till.now + MOMENT))
    # The purchase that reaches the level is rated by it.
    assert report["totals"]["points"]["draft"]["issued"] == 300
    assert report["tiers"]["matrix"] == [{"active": "member", "draft": "silver", "members": 1}]


def test_the_draft_is_in_force_within_the_selection_alone(till: Till) -> None:
    activate(till, rule("base"))
    for number, region in enumerate(["north", "south", "north", "north"], 1):
        source = Source(None, "s-1", region, None, None)
        line = (Line("1", 1, 10_000),)
        till.at(day(number)).post(Purchase(f"p-{number}", "m-1", till.now, "CNY", line, source))
    visits = fixed("third", 50, when="member.visits == 3")
    whole = simulated(till, rule("base"), visits)
    assert whole["totals"]["points"]["difference"]["net"] == 50
    later = simulated(till, rule("base"), visits, start=day(3))
    # What lies before still counts as a visit, and as nothing else.
    assert later["read"]["purchases"] == 2 and later["totals"]["points"]["difference"]["net"] == 50
    south = simulated(till, rule("base"), visits, region="south")
    assert south["read"]["purchases"] == 1 and south["totals"]["points"]["difference"]["net"] == 0
    before = simulated(till, rule("base"), visits, end=day(3))
    assert before["read"]["purchases"] == 2 and before["totals"]["points"]["difference"]["net"] == 0


def test_a_sample_grows_and_never_changes_its_mind(till: Till) -> None:
    activate(till, rule("base"))
    for number in range(40):
        till.at(day(1)).buy(f"m-{number}", 10_000)
    tried = fixed("extra", 1), rule("base")
    members = {
        percent: {
            row["member_id"] for row in simulated(till, *tried, sample_percent=percent)["members"]["gain"]
        }
        for percent in (10, 30)
    }
    assert members[10] < members[30]
    assert simulated(till, *tried, sample_percent=30)["read"]["members"] == len(members[30]) < 20


def test_what_was_switched_off_stays_off_for_as_long_as_it_was(till: Till) -> None:
    activate(till, rule("base"), fixed("extra", 5))
    till.at(day(1)).buy("m-1", 10_000)
    till.at(day(2))
    switch_off(till, "extra")
    till.at(day(3)).buy("m-1", 10_000)
    report = simulated(till, rule("base"), fixed("extra", 7))
    assert report["totals"]["points"]["active"] == report["totals"]["points"]["books"]
    assert report["totals"]["points"]["active"]["issued"] == 205
    assert report["totals"]["points"]["draft"]["issued"] == 207


def switch_off(till: Till, code: str) -> None:
    def work(connection: Any) -> None:
        connection.execute(
            text(
                "INSERT INTO rule_switches (program_id, kind, code, is_on, reason, switched_by, recorded_at) "
                "VALUES (:program, 'rule', :code, false, 'too much', 'tests', :now)"
            ),
            {"program": till.program.program_id, "code": code, "now": till.now},
        )
        touch(connection, till.program.program_id)

    till.database.run(work)
    refresh(till)


def test_a_budget_is_without_a_bound_and_told_beside_what_is_left(till: Till) -> None:
    activate(till, rule("base"), fixed("gift", 30, funds=["spring"]))
    for number in range(3):
        till.at(day(number)).buy("m-1", 10_000)
    report = simulated(till, rule("base"), fixed("gift", 40, funds=["spring"]))
    # The fund is empty, so the books have nothing of it; both worlds are judged as if it were not.
    assert report["totals"]["points"]["books"]["issued"] == 300
    assert report["totals"]["points"]["active"]["issued"] == 390
    assert report["totals"]["points"]["draft"]["issued"] == 420
    (fund,) = report["funds"]
    assert fund == {"fund": "spring", "points": {"active": 90, "draft": 120, "difference": 30}, "left": 0}


def test_a_referral_is_replayed_on_both_sides(till: Till) -> None:
    both = fixed("welcome", 20, on="referral"), fixed("thanks", 30, on="referrer")
    activate(till, rule("base"), *both)
    till.at(day(1)).buy("m-1", 10_000)
    till.at(day(2)).post(Activity("a-1", "m-2", "referral", till.now, {"referrer": "m-1"}))
    bought = till.at(day(3)).buy("m-2", 10_000)
    till.at(day(4)).buy("m-2", 10_000)
    till.at(day(5)).give_back(bought, 1, 5_000)
    report = simulated(till, rule("base"), fixed("welcome", 25, on="referral"), both[1])
    points = report["totals"]["points"]
    # 3 × 100 for money, 20 and 30 for the referral; half of the first purchase of m-2 went back, with its rewards.
    assert points["active"] == {"issued": 350, "taken_back": 75, "net": 275}
    assert points["active"] == points["books"] == in_books(till)["points"]
    # Of 125 in the place of 120 half is kept, rounded down: 62.
    assert points["draft"] == {"issued": 355, "taken_back": 78, "net": 277}
    assert report["read"]["referrals"] == 1


def test_a_referral_that_nobody_rewarded_is_found_all_the_same(till: Till) -> None:
    activate(till, rule("base"))
    till.at(day(1)).buy("m-1", 10_000)
    till.at(day(2)).post(Activity("a-1", "m-2", "referral", till.now, {"referrer": "m-1"}))
    till.at(day(3)).buy("m-2", 10_000)
    draft = rule("base"), fixed("welcome", 20, on="referral"), fixed("thanks", 30, on="referrer")
    report = simulated(till, *draft)
    gained = {row["member_id"]: row["points"]["difference"] for row in report["members"]["gain"]}
    assert gained == {"m-1": 30, "m-2": 20}


def test_it_writes_nothing(till: Till) -> None:
    activate(till, *ACTIVE)
    post_history(till, purchases=30)
    before = state_of(till)
    simulated(till, *DRAFT, workers=2)
    assert state_of(till) == before


def state_of(till: Till) -> list[Any]:
    """Every chain's head, and of every table how many rows it has and a digest of what they say."""
    tables = [name for (name,) in till.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    readable = [
        name for name in sorted(tables) if till.rows(f"SELECT has_table_privilege('{name}', 'SELECT')")[0][0]
    ]
    digest = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)::text FROM {} t"
    return [
        till.rows("SELECT holder_id, version, head_hash FROM holders ORDER BY 1"),
        {name: till.rows(digest.format(name)) for name in readable},
    ]


def test_there_is_one_simulation_at_a_time(till: Till) -> None:
    activate(till, rule("base"))
    url = till.database.engine.url.render_as_string(hide_password=False)
    first = Simulation(Settings(), url, till.program.name, Draft(), Selection(), till.now)
    with pytest.raises(Overloaded):
        Simulation(Settings(), url, till.program.name, Draft(), Selection(), till.now)
    first.close()
    Simulation(Settings(), url, till.program.name, Draft(), Selection(), till.now).close()


def test_a_simulation_that_is_given_up_leaves_no_process(till: Till) -> None:
    activate(till, rule("base"))
    for number in range(5):
        till.buy(f"m-{number}", 10_000)
    url = till.database.engine.url.render_as_string(hide_password=False)
    simulation = Simulation(Settings(), url, till.program.name, Draft(), Selection(), till.now)
    steps = simulation.steps(2)
    next(steps)
    steps.close()
    simulation.close()
    assert all(process.poll() is not None for process in simulation.processes)
