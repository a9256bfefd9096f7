"""A region spends its share of what headquarters has issued, to the point; a new period starts at nothing."""

from datetime import timedelta

import pytest

from ledger.funds.commands import GrantFund
from ledger.funds.share import period_of
from ledger.funds.top_up import issued_by_headquarters, top_up
from ledger.rules.commands import Earning
from ledger.rules.terms import terms_of
from tests.till import START, Till, day, new_program

from .regions import BY, code_of, paid_by_share, region_share, with_regions


def granted(till: Till) -> dict[str, int]:
    """What a top-up now grants, by fund, where it grants anything."""
    return {
        share["fund"]: share["points"]
        for share in top_up(till.database, till.program, till.now)
        if share["points"]
    }


def spend(till: Till, points: int, key: str = "2026-01", region: str = "east") -> str | None:
    (outcome,) = till.try_post(paid_by_share(till, points, key, region))
    return code_of(outcome)


def issued(till: Till) -> int:
    share = terms_of(till.program).region_share
    assert share is not None
    with till.reading() as connection:
        return issued_by_headquarters(
            connection, till.program, period_of(till.now, share, till.program.timezone)
        )


def test_of_headquarters_80_000_a_region_may_spend_16_000(till: Till) -> None:
    till.award("m-1", 50_000)
    till.buy("m-2", 3_000_000)
    assert granted(till) == {"share:east:2026-01": 16_000}
    assert spend(till, 16_001) == "budget_exhausted"
    assert spend(till, 16_000) is None
    assert spend(till, 1) == "budget_exhausted"


def test_of_the_total_a_region_may_spend_20_000_beside_80_000(till: Till) -> None:
    till.change_terms(**region_share(of="total"))
    till.award("m-1", 80_000)
    assert granted(till) == {"share:east:2026-01": 20_000}
    assert spend(till, 20_001) == "budget_exhausted"
    assert spend(till, 20_000) is None
    assert spend(till, 1) == "budget_exhausted"


def test_what_a_region_issues_gives_it_nothing_more(till: Till) -> None:
    till.award("m-1", 80_000)
    assert granted(till) == {"share:east:2026-01": 16_000}
    assert spend(till, 16_000) is None
    assert (issued(till), granted(till)) == (80_000, {})


def test_what_another_fund_pays_for_is_headquarters_own(till: Till) -> None:
    till.post(GrantFund("spring", 1_000, "g-1", "a plan", BY))
    till.post(Earning("m-1", 700, "sorry", "a-1", fund="spring"))
    assert granted(till) == {"share:east:2026-01": 140}


def test_every_region_has_a_share_of_its_own(till: Till) -> None:
    both = with_regions(till, "west")
    both.award("m-1", 1_000)
    assert granted(both) == {"share:east:2026-01": 200, "share:west:2026-01": 200}
    assert spend(both, 200, region="west") is None
    assert spend(both, 200, region="east") is None
    assert issued(both) == 1_000


def test_only_what_is_new_is_granted_and_nothing_is_taken_back(till: Till) -> None:
    award = till.award("m-1", 1_000)
    assert granted(till) == {"share:east:2026-01": 200}
    till.award("m-1", 500)
    assert granted(till) == {"share:east:2026-01": 100}
    assert granted(till) == {}
    till.reverse(award)
    till.change_terms(**region_share(percent=1))
    assert granted(till) == {}
    assert spend(till, 300) is None


def test_a_new_period_starts_at_nothing(till: Till) -> None:
    till.award("m-1", 1_000)
    assert granted(till) == {"share:east:2026-01": 200}
    till.at(day(31))
    assert granted(till) == {}
    assert spend(till, 1, "2026-02") == "budget_exhausted"
    # What is left of the old one pays for events that arrive late.
    assert spend(till, 200, "2026-01") is None


def test_late_events_count_in_the_period_in_which_they_happened(till: Till) -> None:
    # The month ends at midnight in Shanghai, eight hours before it ends in UTC.
    midnight = day(31) - timedelta(hours=8)
    till.at(day(32))
    till.buy("m-1", 100_000, occurred_at=midnight - timedelta(microseconds=1))
    till.buy("m-1", 50_000, occurred_at=midnight)
    assert granted(till) == {"share:east:2026-01": 200, "share:east:2026-02": 100}


def test_a_period_that_is_over_and_past_is_topped_up_no_more(till: Till) -> None:
    till.at(day(75)).buy("m-1", 100_000, occurred_at=START)
    assert granted(till) == {}


@pytest.mark.parametrize(("period", "key"), [("quarter", "2026-Q1"), ("year", "2026")])
def test_the_period_is_the_terms_own(till: Till, period: str, key: str) -> None:
    till.change_terms(**region_share(period=period))
    till.award("m-1", 1_000)
    till.at(day(60)).award("m-1", 1_000)
    assert granted(till) == {f"share:east:{key}": 400}


def test_what_shares_of_other_periods_paid_for_is_not_taken_for_headquarters(till: Till) -> None:
    till.award("m-1", 1_000)
    assert granted(till) == {"share:east:2026-01": 200}
    assert spend(till, 200) is None
    till.change_terms(**region_share(period="year"))
    assert granted(till) == {"share:east:2026": 200}


def test_without_a_share_in_the_terms_nothing_is_granted(till: Till) -> None:
    till.award("m-1", 1_000)
    till.change_terms()
    assert top_up(till.database, till.program, till.now) == []


def test_without_rules_of_a_region_nothing_is_granted(till: Till) -> None:
    nobody = Till(till.database, new_program(till.database, "other", **region_share()))
    nobody.award("m-1", 1_000)
    assert top_up(nobody.database, nobody.program, nobody.now) == []


def test_a_grant_of_a_share_says_what_it_was_measured_by(till: Till) -> None:
    till.award("m-1", 1_000)
    granted(till)
    ((details,),) = till.rows("SELECT details FROM entries WHERE kind = 'fund_grant'")
    assert details == {
        "issued": 1_000,
        "allowed": 200,
        "share": {"percent": 20, "of": "headquarters", "period": "month"},
    }


def test_another_programs_awards_count_for_nothing(till: Till) -> None:
    elsewhere = with_regions(
        Till(till.database, new_program(till.database, "other", **region_share())), "east"
    )
    elsewhere.award("m-1", 1_000)
    assert granted(till) == {}
    assert granted(elsewhere) == {"share:east:2026-01": 200}
