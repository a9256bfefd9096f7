"""Tiers in the books: settled with growth, shown by the clock, told by events, whatever comes late."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from ledger.accounts.chart import Unit
from ledger.accounts.growth import Timeline
from ledger.accounts.growth_history import read_changes
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.postings import Opening
from ledger.accounts.queries import holder_uuid, read_balance
from ledger.accounts.tiers import NO_TIER, TierState, settle
from ledger.accounts.tracking import needs_history
from ledger.expiry.commands import JudgeTier
from ledger.finance.verify import verify
from ledger.journal.commands import Books, Command, Decision, Draft
from ledger.journal.history import Times, read_balance_at
from ledger.rules.awarding import open_lots
from ledger.rules.commands import Line, Purchase
from tests.ladders import tiers
from tests.till import Till, day, open_till

LEVELS = {"member": 0, "silver": 100, "gold": 300}
YEAR = {"kind": "end_of_year", "months": 0}
MONTH = {"kind": "fixed_days", "days": 30}


def ladder(**changes: Any) -> dict[str, Any]:
    stored = tiers(LEVELS, **{"period": MONTH, **changes})
    stored["levels"][1]["entitlements"] = [
        {"code": "voucher", "per": "year", "name": {"en": "Voucher", "zh": "券"}},
    ]
    return stored


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url, growth_expiry=MONTH, tiers=ladder()) as opened:
        yield opened
        check(opened)


def check(till: Till) -> None:
    """Every stored tier is that of a replay, and the books are sound."""
    with till.reading() as connection:
        assert [found.told() for found in verify(connection) if not found.is_sound] == []
    check_tiers(till)


def check_tiers(till: Till) -> None:
    ladders = ladders_of(till.program)
    rows = till.rows(
        "SELECT holder_id, coalesce(tier, ''), tier_since, tier_ends_at, tier_in_grace, tier_terms_version,"
        " tier_settled_at FROM holders WHERE tier_settled_at IS NOT NULL"
    )
    assert rows
    for key, *stored in rows:
        with till.reading() as connection:
            timeline = Timeline(read_changes(connection, key))
        assert stored == list(settle(NO_TIER, timeline, ladders, stored[-1])[0])


def events(till: Till, member: str = "m-1") -> list[tuple[Any, ...]]:
    return till.rows(
        "SELECT ordinal, reason, from_tier, to_tier, tier_events.growth FROM tier_events JOIN holders USING (holder_id)"
        " WHERE member_id = :member ORDER BY ordinal",
        member=member,
    )


def shown(till: Till, member: str = "m-1") -> Any:
    with till.reading() as connection:
        tier = read_balance(connection, till.program, member, till.now)["tier"]
    return tier and tier["code"]


def test_a_purchase_that_reaches_a_level_lifts_the_member_at_once(till: Till) -> None:
    first = till.buy("m-1", 9_900)
    assert first["balance"]["tier"] == {"code": "member", "since": "2026-01-01T00:00:00.000000Z"}
    second = till.at(day(1)).buy("m-1", 100)
    assert second["balance"]["tier"] == {"code": "silver", "since": "2026-01-02T00:00:00.000000Z"}
    assert shown(till) == "silver"
    assert events(till) == [(1, "entered", None, "member", 99), (2, "upgraded", "member", "silver", 100)]
    entry = till.rows("SELECT entry_id FROM tier_events WHERE ordinal = 2")[0][0]
    assert second["entry_id"] == f"ent_{entry.hex}"


def test_a_member_without_growth_stands_on_the_lowest_level(till: Till) -> None:
    answer = till.award("m-1", 5)
    assert answer["balance"]["tier"] == {"code": "member", "since": None}
    assert (shown(till), events(till)) == ("member", [])


def test_one_batch_may_cross_several_times(till: Till) -> None:
    till.buy("m-1", 1_000)
    till.buy("m-1", 10_000)
    till.buy("m-1", 20_000)
    assert [event[1:4] for event in events(till)] == [
        ("entered", None, "member"),
        ("upgraded", "member", "silver"),
        ("upgraded", "silver", "gold"),
    ]


def test_a_benefit_is_issued_once_a_year_however_often_the_level_is_reached(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    till.at(day(1)).give_back(bought, 1, 10_000)
    till.at(day(2)).buy("m-1", 10_000)
    assert [event[1] for event in events(till)] == ["entered", "returned", "upgraded"]
    assert till.rows("SELECT code, period, tier FROM entitlements") == [("voucher", "2026", "silver")]


def test_a_return_that_crosses_the_threshold_takes_the_level_at_once(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    answer = till.at(day(3)).give_back(bought, 1, 100)
    assert answer["balance"]["tier"]["code"] == "member"
    assert events(till)[-1] == (2, "returned", "silver", "member", 99)


def test_a_reversal_takes_the_level_as_a_return_does(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    assert till.reverse(bought)["balance"]["tier"]["code"] == "member"


def test_the_clock_takes_a_level_before_anybody_books_it(till: Till) -> None:
    till.buy("m-1", 30_000)
    # Thirty days on the growth is still there in the last moment; the next period ends without any.
    assert [shown(till.at(day(number))) for number in (30, 31, 62, 93)] == [
        "gold",
        "gold",
        "silver",
        "member",
    ]
    assert len(events(till)) == 1
    answer = till.award("m-1", 1)
    assert answer["balance"]["tier"]["code"] == "member"


def test_an_entry_stands_beside_what_it_has_caused_alone(till: Till) -> None:
    till.buy("m-1", 30_000)
    bought = till.at(day(70)).buy("m-1", 30_000)
    caused = till.rows("SELECT reason, entry_id FROM tier_events WHERE ordinal > 1 ORDER BY ordinal")
    assert [(reason, entry is not None) for reason, entry in caused] == [
        ("kept", False),
        ("downgraded", False),
        ("upgraded", True),
    ]
    assert bought["entry_id"] == f"ent_{caused[-1][1].hex}"


def test_the_sweep_judges_every_period_that_has_ended(till: Till) -> None:
    till.buy("m-1", 30_000)
    till.buy("m-2", 1_000)
    till.at(day(100)).sweep()
    assert [event[1:] for event in events(till)] == [
        ("entered", None, "gold", 300),
        ("kept", "gold", "gold", 300),
        ("downgraded", "gold", "silver", 0),
        ("downgraded", "silver", "member", 0),
    ]
    assert till.rows("SELECT count(*) FROM holders WHERE tier_ends_at IS NOT NULL") == [(0,)]
    till.sweep()
    assert len(events(till)) == 4


def test_to_judge_posts_no_entry_and_keeps_the_books_as_they_are(till: Till) -> None:
    till.buy("m-1", 30_000)
    before = till.rows("SELECT version, head_hash, points, growth FROM holders")
    till.at(day(40)).post(JudgeTier("m-1", till.now))
    assert till.rows("SELECT version, head_hash, points, growth FROM holders") == before
    assert [event[1] for event in events(till)] == ["entered", "kept"]


def test_to_judge_leaves_the_standing_as_the_last_entry_left_it(fresh_database: Any) -> None:
    # Points that were pending then are available by now: whoever reads sees that by the clock.
    with open_till(fresh_database.app_url, pending_days=7, growth_expiry=MONTH, tiers=ladder()) as till:
        till.buy("m-1", 30_000)
        before = till.rows("SELECT available, pending, fresh_until, recorded_at FROM holders")
        till.at(day(40)).post(JudgeTier("m-1", till.now))
        assert till.rows("SELECT available, pending, fresh_until, recorded_at FROM holders") == before
        with till.reading() as connection:
            balance = read_balance(connection, till.program, "m-1", till.now)
            assert balance["points"]["available"] == 300
            assert [found for found in verify(connection) if not found.is_sound] == []


def test_a_late_purchase_counts_from_when_it_happened(till: Till) -> None:
    till.buy("m-1", 6_000)
    till.at(day(10)).buy("m-1", 3_000)
    late = till.at(day(11)).buy("m-1", 4_000, occurred_at=day(5))
    assert late["balance"]["tier"] == {"code": "silver", "since": "2026-01-06T00:00:00.000000Z"}
    assert events(till)[-1] == (2, "late_event", "member", "silver", 130)
    assert till.rows("SELECT tier FROM entitlements") == [("silver",)]


def test_a_purchase_that_comes_years_late_has_had_its_time(till: Till) -> None:
    till.at(day(800)).award("m-1", 1)
    answer = till.buy("m-1", 30_000, occurred_at=day(0))
    assert answer["balance"]["tier"]["code"] == "member"
    assert shown(till) == "member"


def test_purchases_of_one_batch_may_stand_in_any_order(till: Till) -> None:
    def bought(name: str, amount: int, number: int) -> Purchase:
        return Purchase(name, "m-1", day(number), "CNY", (Line("1", 1, amount),))

    till.at(day(20)).buy("m-1", 100)
    till.post(bought("a", 9_000, 12), bought("b", 500, 3), bought("c", 1_000, 7))
    # On the twelfth day the three were there together.
    assert till.rows("SELECT tier, tier_since FROM holders") == [("silver", day(12))]


@dataclass(frozen=True)
class Remember(Command):
    """Growth of a past day, of which nothing is said before it is decided."""

    number: int

    @property
    def members(self) -> tuple[str, ...]:
        return ("m-1",)

    def decide(self, books: Books) -> Decision:
        holder, entry_id, at = books.holder("m-1"), books.new_entry_id(), day(self.number)
        assert books.tier_of(holder, at) == "member"
        assert books.tier_of(holder, at, gain=100) == "silver"
        postings, _ = open_lots(entry_id, [(Unit.GROWTH, 100, Opening(at, at, None))])
        return Decision([Draft("activity", holder.holder_id, entry_id, at, postings)], {})


def test_what_nobody_could_see_coming_is_decided_anew_with_the_history(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url, growth_expiry=MONTH, tiers=ladder()) as till:
        till.buy("m-1", 1_000)
        till.at(day(20)).buy("m-1", 1_000)
        answer, again = till.post(Remember(9), Remember(5))[0], till.buy("m-1", 100)
        check_tiers(till)
    assert answer["balance"]["tier"]["since"] == "2026-01-10T00:00:00.000000Z"
    assert again["balance"]["tier"]["since"] == "2026-01-06T00:00:00.000000Z"


def test_tiers_that_come_later_take_in_who_has_growth(till: Till) -> None:
    till.change_terms(growth_expiry=MONTH)
    till.buy("m-1", 12_000)
    till.at(day(5)).change_terms(growth_expiry=MONTH, tiers=ladder())
    assert shown(till) == "silver"
    assert events(till) == []
    till.at(day(6)).buy("m-1", 100)
    assert [event[1:4] for event in events(till)] == [("entered", None, "silver")]
    assert till.rows("SELECT tier_since FROM holders") == [(day(5),)]


def test_another_ladder_shows_at_once_and_is_written_with_the_next_entry(till: Till) -> None:
    till.buy("m-1", 12_000)
    stored = ladder()
    stored["levels"][2]["threshold"] = 110
    till.at(day(2)).change_terms(growth_expiry=MONTH, tiers=stored)
    assert shown(till) == "gold"
    till.at(day(3)).award("m-1", 1)
    till.at(day(4)).buy("m-1", 100)
    assert [event[1:4] for event in events(till)] == [
        ("entered", None, "silver"),
        ("terms_changed", "silver", "gold"),
    ]


def test_terms_recorded_behind_a_purchase_are_found_out(till: Till) -> None:
    # The posting had begun when the terms were recorded, and did not see them.
    old = till.program
    stored = ladder()
    stored["levels"][1]["threshold"] = 50
    till.at(day(1)).change_terms(growth_expiry=MONTH, tiers=stored)
    till.program, new = old, till.program
    till.at(day(2)).buy("m-1", 6_000)
    till.program = new
    assert shown(till) == "silver"
    till.at(day(3)).award("m-1", 1)
    assert events(till)[-1][1:4] == ("late_event", "member", "silver")


def test_tiers_that_go_and_come_back_within_an_instant_know_what_was_taken_between(
    fresh_database: Any,
) -> None:
    with open_till(fresh_database.app_url, growth_expiry=MONTH) as till:
        first = till.buy("m-1", 3_000)
        till.buy("m-1", 9_000)
        till.at(day(5)).change_terms(growth_expiry=MONTH, tiers=ladder())
        till.buy("m-1", 100, occurred_at=day(1))
        till.change_terms(growth_expiry=MONTH)
        till.reverse(first)
        till.change_terms(growth_expiry=MONTH, tiers=ladder(return_policy="at_period_end"))
        till.at(day(6)).buy("m-1", 100)
        check(till)
        # At that instant the tiers came first: 121 of growth.
        assert [event[2:4] for event in events(till)] == [(None, "silver")]


def test_a_balance_of_the_past_shows_the_tier_as_it_was_known(till: Till) -> None:
    till.buy("m-1", 10_000)
    till.at(day(5)).buy("m-1", 20_000)
    till.at(day(8)).buy("m-1", 100, occurred_at=day(4))
    with till.reading() as connection:
        told = [
            read_balance_at(connection, till.program, "m-1", Times(day(as_of), day(known)))["tier"]["code"]
            for as_of, known in ((0, 0), (4, 5), (5, 5), (8, 8))
        ]
    assert told == ["silver", "silver", "gold", "gold"]


def test_a_program_without_tiers_shows_none(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url) as plain:
        assert plain.buy("m-1", 12_000)["balance"]["tier"] is None
        assert shown(plain) is None
        assert plain.rows("SELECT tier, tier_settled_at FROM holders") == [(None, None)]
        plain.at(day(1)).sweep()


def test_what_comes_in_time_needs_no_history(till: Till) -> None:
    till.buy("m-1", 5_000)
    holder = till.rows("SELECT tier_settled_at FROM holders")[0]
    assert holder == (day(0),)
    ladders = ladders_of(till.program)
    state = TierState("member", day(0), None, False, 1, day(0))
    known = Holder(holder_uuid(till.program, "m-1").bytes, 1, "m-1", tier=state)
    assert not needs_history(known, ladders, day(0))
    assert needs_history(known, ladders, day(0) - timedelta(seconds=1))
