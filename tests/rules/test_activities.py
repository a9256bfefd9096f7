"""Activities: what they earn, that each counts once, and by which rules they are judged."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.accounts.program import Rules
from ledger.journal.commands import NO_SOURCE, Source
from ledger.rules.activities import Activity
from tests.builders import NOW, Bench, earning, fresh, moment, program, purchase, redeem, reverse
from tests.model.memory import MemoryDriver
from tests.rulesets import fixed, in_force, rule, ruled

SIGN_IN = fixed("sign-in", 5, on="sign_in")


def activity(
    kind: str = "sign_in",
    *,
    member: str = "m-1",
    activity_id: str | None = None,
    at: Any = NOW,
    source: Source = NO_SOURCE,
    **attributes: Any,
) -> Activity:
    return Activity(activity_id or fresh("a"), member, kind, at, attributes, source)


def bench_under(*rules: dict[str, Any], **changes: Any) -> Bench:
    return ruled(Bench(MemoryDriver(program(**changes))), *rules)


def points(bench: Bench, command: Any) -> int:
    earned: int = bench.must(command)["points"]
    return earned


def test_an_activity_earns_by_the_rules_for_its_type_into_both_units() -> None:
    bench = bench_under(SIGN_IN, fixed("keen", 2, "GROWTH", on="sign_in"), rule("base"))
    answer = bench.must(activity(activity_id="a-1"))
    assert (answer["kind"], answer["activity_id"], answer["type"]) == ("activity", "a-1", "sign_in")
    assert (answer["points"], answer["growth"]) == (5, 2)
    assert [(award["rule"], award["unit"], award["amount"]) for award in answer["awards"]] == [
        ("sign-in", "POINT", 5),
        ("keen", "GROWTH", 2),
    ]
    assert [lot["amount"] for lot in answer["lots"]] == [5, 2]
    assert (bench.available(), bench.books().holders["m-1"].growth) == (5, 2)
    bench.check()


def test_an_activity_that_no_rule_rewards_is_recorded_all_the_same() -> None:
    bench = bench_under(SIGN_IN)
    answer = bench.must(activity("share", activity_id="a-1", link="x"))
    assert (answer["points"], answer["growth"], answer["awards"], answer["lots"]) == (0, 0, [], [])
    (entry,) = bench.books().entries["m-1"]
    assert (entry.kind, entry.reference, entry.postings) == ("activity", "a-1", ())
    assert bench.books().references["activity", "a-1"] == entry.entry_id
    bench.check()


def test_without_rules_of_its_own_a_program_rewards_no_activity() -> None:
    bench = Bench(MemoryDriver(program()))
    assert points(bench, activity()) == 0


def test_an_activity_counts_once_under_whatever_key() -> None:
    bench = bench_under(SIGN_IN)
    first = bench.must(activity(activity_id="a-1"))
    (again,) = bench.post(activity(activity_id="a-1", member="m-2"))
    assert (again.code, again.details) == (
        "activity_exists",
        {"activity_id": "a-1", "entry_id": first["entry_id"]},
    )
    assert bench.books().holders.keys() == {"m-1"}


@pytest.mark.parametrize(("ahead", "code"), [(300, None), (301, "occurred_in_future")])
def test_a_phone_may_be_five_minutes_fast(ahead: int, code: str | None) -> None:
    (answer,) = bench_under(SIGN_IN).post(activity(at=NOW + timedelta(seconds=ahead)))
    assert answer.code == code


def test_what_an_activity_earns_waits_for_no_return_window() -> None:
    bench = bench_under(SIGN_IN, pending_days=14)
    bench.must(activity())
    bench.must(redeem(5))
    bench.check()


def test_a_late_activity_is_judged_by_the_rules_of_its_time() -> None:
    bench = bench_under(SIGN_IN)
    (early,) = in_force(SIGN_IN).activations
    (late,) = in_force(fixed("sign-in", 50, on="sign_in"), since=NOW).activations
    both = Rules((early, late._replace(version=2)))
    bench.driver.program = replace(bench.driver.program, rules=both)
    assert points(bench, activity(at=NOW - timedelta(seconds=1))) == 5
    answer = bench.must(activity(at=NOW))
    assert (answer["points"], answer["awards"][0]["rule_version"]) == (50, 2)


def test_a_condition_may_ask_for_what_was_done_and_where() -> None:
    bench = bench_under(
        fixed("long-review", 20, on="review", when="activity.attributes['words'] >= 50"),
        fixed("in-app", 1, on="review", when="purchase.channel == 'app' && activity.type == 'review'"),
    )
    assert points(bench, activity("review", words=50)) == 20
    assert points(bench, activity("review", words=49)) == 0
    assert points(bench, activity("review", words=50, source=Source(channel="app"))) == 21


def test_a_condition_on_what_was_not_said_fails_closed_and_says_so() -> None:
    bench = bench_under(fixed("long-review", 20, on="review", when="activity.attributes['words'] >= 50"))
    answer = bench.must(activity("review"))
    assert answer["points"] == 0
    assert [fenced["fence"] for fenced in answer["fenced"]] == ["rule_error"]


def test_a_cap_holds_over_a_day_where_the_program_is() -> None:
    bench = bench_under(fixed("share", 5, on="share", caps={"day": 8}))
    assert [points(bench, activity("share")) for _ in range(3)] == [5, 3, 0]
    (fenced,) = bench.must(activity("share"))["fenced"]
    assert (fenced["fence"], fenced["wanted"], fenced["given"]) == ("cap_day", 5, 0)
    bench.now = moment("2026-01-16")
    assert points(bench, activity("share", at=bench.now)) == 5
    bench.check()


def test_seven_days_in_a_row_earn_once_a_week_that_nobody_missed() -> None:
    bench = bench_under(fixed("week", 70, on="sign_in", when="member.streak % 7 == 0", caps={"day": 70}))
    earned = []
    for day in [*range(1, 8), 7, *range(9, 16)]:
        bench.now = moment(f"2026-03-{day:02} 09:00:00")
        earned.append(points(bench, activity(at=bench.now)))
    assert earned == [0] * 6 + [70, 0] + [0] * 6 + [70]
    bench.check()


def test_activities_of_one_batch_count_on_one_another() -> None:
    bench = bench_under(fixed("share", 5, on="share", caps={"day": 12}))
    answers = bench.post(*[activity("share") for _ in range(4)])
    assert [(answer.body or {})["points"] for answer in answers] == [5, 5, 2, 0]
    bench.check()


def test_a_rehearsal_uses_nothing_up() -> None:
    bench = bench_under(fixed("share", 5, on="share", caps={"ever": 5}))
    (rehearsed,) = bench.post(activity("share"), dry_run=True)
    assert (rehearsed.body or {})["points"] == 5
    assert points(bench, activity("share")) == 5
    assert points(bench, activity("share")) == 0


def test_an_activity_repays_a_debt_first_and_can_be_taken_back() -> None:
    bench = bench_under(SIGN_IN, rule("base"))
    bought = bench.must(purchase(1_000))
    bench.must(redeem(10))
    bench.must(reverse(bought["entry_id"]))
    answer = bench.must(activity())
    assert (bench.debt(), bench.available()) == (5, 0)
    bench.must(reverse(answer["entry_id"]))
    assert (bench.debt(), bench.available()) == (10, 0)
    assert bench.refused(reverse(answer["entry_id"])) == "entry_already_reversed"
    bench.check()


def test_an_activity_keeps_no_rolling_points_alive() -> None:
    bench = bench_under(SIGN_IN, rule("base"), points_expiry={"kind": "rolling", "months": 1})
    bench.must(purchase(1_000))
    (before,) = bench.lots()
    bench.wait(days=10)
    bench.must(activity(at=bench.now))
    assert bench.lots()[0].expires_at == before.expires_at
    bench.check()


def test_a_gift_and_an_activity_of_a_new_member_both_enrol() -> None:
    bench = bench_under(SIGN_IN)
    bench.post(activity(member="m-7"), earning(5, member="m-8"))
    assert bench.books().holders.keys() == {"m-7", "m-8"}
