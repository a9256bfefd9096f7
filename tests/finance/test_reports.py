"""Reports in stories that can be checked by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.errors import InvalidRequest, MemberUnknown
from ledger.finance.roll_forward import Movements
from ledger.funds.commands import GrantFund, WithdrawFund
from ledger.journal.commands import Source
from ledger.redemption.holds import PlaceHold
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Line, Purchase
from tests.finance.histories import BY, change_rate
from tests.finance.putting_right import adjust
from tests.finance.reporting import bytes_of, report_of, table_of
from tests.till import START, Till, day, new_program

BEFORE = START - timedelta(days=1)


def moved(row: dict[str, Any]) -> dict[str, int]:
    """What is not nothing in a line of the roll-forward."""
    return {name: row[name] for name in ("opening", *Movements.__slots__, "closing") if row[name]}


def buy_in(till: Till, store: str | None, amount: int, occurred_at: datetime | None = None) -> dict[str, Any]:
    source = Source(store=store, region="east" if store else None, channel="pos" if store else None)
    lines = (Line("1", 1, amount),)
    purchase = f"p-{next(till.numbers)}"
    return till.post(Purchase(purchase, "m-1", occurred_at or till.now, "CNY", lines, source=source))[0]


def test_roll_forward_by_month_is_a_chain_without_gaps(till: Till) -> None:
    till.award("m-1", 100)
    # The last instant of January where the shop is: 2026-02-01 00:00 in Shanghai is 16:00 UTC.
    end_of_january = datetime.fromisoformat("2026-02-01T00:00:00+08:00")
    till.at(end_of_january - timedelta(seconds=1)).redeem("m-1", 30)
    till.at(datetime.fromisoformat("2026-04-02T00:00:00+08:00")).redeem("m-1", 20)

    report = report_of(till, "points-roll-forward", by="month")
    assert [(row["key"], moved(row)) for row in report["rows"]] == [
        ("2026-01", {"issued": 100, "redeemed": 30, "closing": 70}),
        ("2026-02", {"opening": 70, "closing": 70}),
        ("2026-03", {"opening": 70, "closing": 70}),
        ("2026-04", {"opening": 70, "redeemed": 20, "closing": 50}),
    ]
    assert (report["difference"], report["rows_difference"]) == (0, 0)
    # Of a period that begins within: what moved before is the opening of the first line.
    later = report_of(till, "points-roll-forward", by="month", start=end_of_january, end=till.now)
    assert [(row["key"], moved(row)) for row in later["rows"]] == [
        ("2026-04", {"opening": 70, "redeemed": 20, "closing": 50})
    ]
    assert later["rows_difference"] == 0


def test_points_that_end_with_a_month_are_in_its_line(till: Till) -> None:
    end_of_january = datetime.fromisoformat("2026-02-01T00:00:00+08:00")
    till.award("m-1", 100, expires_at=end_of_january)
    till.at(end_of_january + timedelta(days=3)).sweep()
    (row,) = report_of(till, "points-roll-forward", by="month")["rows"]
    assert (row["key"], moved(row)) == ("2026-01", {"issued": 100, "expired": 100})


def test_roll_forward_by_store_tells_where_points_moved(till: Till) -> None:
    buy_in(till, "s-1", 10_000)
    buy_in(till, "s-2", 5_000)
    till.at(day(1)).redeem("m-1", 120)

    by_store = report_of(till, "points-roll-forward", by="store")
    assert [(row["key"], moved(row)) for row in by_store["rows"]] == [
        (None, {"redeemed": 120, "closing": -120}),
        ("s-1", {"issued": 100, "closing": 100}),
        ("s-2", {"issued": 50, "closing": 50}),
    ]
    assert (moved(by_store), by_store["rows_difference"]) == (
        {"issued": 150, "redeemed": 120, "closing": 30},
        0,
    )
    # In the next period the stores open with what they gave before; what does not move stays a line.
    after = report_of(till, "points-roll-forward", by="store", start=START, end=day(1))
    assert [(row["key"], moved(row)) for row in after["rows"]] == [
        (None, {"redeemed": 120, "closing": -120}),
        ("s-1", {"opening": 100, "closing": 100}),
        ("s-2", {"opening": 50, "closing": 50}),
    ]
    for way, key in (("region", "east"), ("channel", "pos")):
        rows = report_of(till, "points-roll-forward", by=way)["rows"]
        assert [(row["key"], row["issued"]) for row in rows] == [(None, 0), (key, 150)]


def test_roll_forward_by_rule_tells_what_each_rule_gave(till: Till) -> None:
    till.buy("m-1", 10_000)
    till.award("m-1", 7)
    rows = report_of(till, "points-roll-forward", by="rule")["rows"]
    assert [(row["key"], moved(row)) for row in rows] == [
        (None, {"issued": 7, "closing": 7}),
        ("base", {"issued": 100, "closing": 100}),
    ]


def test_roll_forward_of_one_member_reads_that_member(till: Till) -> None:
    till.award("m-1", 100)
    till.award("m-2", 5)
    till.at(day(1)).redeem("m-1", 30)
    alone = report_of(till, "points-roll-forward", member_id="m-1", start=START)
    assert moved(alone) == {"opening": 100, "redeemed": 30, "closing": 70}
    assert alone["difference"] == 0
    with pytest.raises(MemberUnknown):
        report_of(till, "points-roll-forward", member_id="m-9")


def test_ageing_counts_days_to_the_end_and_ties_to_the_trial_balance(till: Till) -> None:
    # The last day of each lot lies so many days after the day of the report, the 5th.
    for days, points in ((-1, 1), (0, 2), (30, 4), (31, 8), (90, 16), (91, 32), (180, 64), (181, 128)):
        last_day = datetime.fromisoformat("2026-01-05T00:00:00+08:00") + timedelta(days=days)
        till.award("m-1", points, expires_at=last_day + timedelta(days=1))
    for days, points in ((365, 256), (366, 512)):
        last_day = datetime.fromisoformat("2026-01-05T00:00:00+08:00") + timedelta(days=days)
        till.award("m-1", points, expires_at=last_day + timedelta(days=1))
    till.change_terms(points_expiry={"kind": "never"})
    till.buy("m-2", 102_400)
    till.change_terms(points_expiry={"kind": "rolling", "months": 6})
    till.buy("m-3", 204_800)
    till.post(PlaceHold("m-3", 48, None, "h-1"))
    # m-4 owes 30: spent what a return takes back.
    bought = till.buy("m-4", 3_000)
    till.redeem("m-4", 30)
    till.give_back(bought, 1, 3_000)

    till.at(datetime.fromisoformat("2026-01-05T12:00:00+08:00"))
    report = report_of(till, "ageing")
    assert {bucket["bucket"]: bucket["points"] for bucket in report["buckets"]} == {
        "expired_unposted": 1,
        "0_30_days": 2 + 4,
        "31_90_days": 8 + 16,
        "91_180_days": 32 + 64,
        "181_365_days": 128 + 256,
        "over_365_days": 512,
        "rolling": 2_048,
        "never": 1_024,
    }
    assert report["lots"]["points"] == 4_095
    assert report["debt"] == {"points": 30}
    assert report["outstanding"] == {"points": 4_065, "face_value": {"amount": 4_065, "currency": "CNY"}}
    assert (report["rate"], report["rate_version"], report["difference"]) == ("0.0100", 1, 0)
    # The sweep books what the clock has taken.
    till.sweep()
    swept = report_of(till, "ageing")
    assert (swept["buckets"][0]["points"], swept["outstanding"]["points"], swept["difference"]) == (
        0,
        4_064,
        0,
    )
    assert report_of(till, "ageing", as_of=till.now - timedelta(days=1))["buckets"][0]["points"] == 0


def test_ageing_values_points_at_the_bid_that_was_known(till: Till) -> None:
    till.award("m-1", 33, expires_at=day(40))
    till.award("m-1", 34)
    till.at(day(2))
    change_rate(till, "0.0095")

    report = report_of(till, "ageing")
    worth = {bucket["bucket"]: bucket["face_value"]["amount"] for bucket in report["buckets"]}
    # 33 points are worth 31.35 fen, and all 67 are worth 63.65: the last bucket has what the others leave.
    assert (worth["31_90_days"], worth["181_365_days"]) == (31, 0)
    assert sum(worth.values()) == report["lots"]["face_value"]["amount"] == 63
    assert (report["rate"], report["rate_version"]) == ("0.0095", 2)
    before = report_of(till, "ageing", as_of=day(1))
    assert (before["rate"], before["outstanding"]["face_value"]["amount"]) == ("0.0100", 67)
    assert report_of(till, "ageing", known_as_of=day(1))["rate"] == "0.0100"
    # The rate that a program begins with was always known.
    nothing = report_of(till, "ageing", known_as_of=BEFORE)
    assert (nothing["rate"], nothing["outstanding"]["points"]) == ("0.0100", 0)


def test_issuance_tells_what_each_fund_paid_and_what_was_issued_beside(till: Till) -> None:
    till.post(GrantFund("care", 500, "g-1", "a plan", BY), GrantFund("spring", 100, "g-2", "a plan", BY))
    till.at(day(1)).post(Earning("m-1", 30, "sorry", "a-1", fund="care"))
    till.post(WithdrawFund("spring", 40, "g-3", "too much", BY))
    till.buy("m-1", 10_000)

    report = report_of(till, "issuance", start=START)
    assert report["funds"] == [
        {"fund": "care", "opening": 500, "granted": 0, "withdrawn": 0, "spent": 30, "left": 470},
        {"fund": "spring", "opening": 100, "granted": 0, "withdrawn": 40, "spent": 0, "left": 60},
    ]
    assert report["total"] == {"opening": 600, "granted": 0, "withdrawn": 40, "spent": 30, "left": 530}
    assert report["issued"] == {"paid_by_funds": 30, "outside_of_funds": 100, "total": 130}
    assert report["difference"] == 0
    assert report_of(till, "issuance")["total"]["granted"] == 600


def test_late_entries_are_those_recorded_after_the_day_that_followed(till: Till) -> None:
    buy_in(till, "s-1", 1_000)
    till.at(day(9))
    buy_in(till, "s-1", 1_000, occurred_at=day(8))
    late = buy_in(till, "s-1", 4_200, occurred_at=day(3))
    till.at(day(20))
    later = buy_in(till, "s-1", 700, occurred_at=day(10))

    report = report_of(till, "late-entries")
    assert [entry["entry_id"] for entry in report["data"]] == [later["entry_id"], late["entry_id"]]
    assert (report["entries"], report["next_cursor"]) == (2, None)
    assert report["data"][1] == {
        "entry_id": late["entry_id"],
        "member_id": "m-1",
        "kind": "earn",
        "effective_at": "2026-01-04T00:00:00.000000Z",
        "recorded_at": "2026-01-10T00:00:00.000000Z",
        "booked_on": "2026-01-04",
        "points": 42,
        "reason": None,
        "maker": None,
        "checker": None,
    }
    # The period is one of recording: what was recorded at its very beginning is in the one before.
    for start, end, found in ((START, day(9), [late]), (day(9), day(20), [later]), (day(9), day(19), [])):
        part = report_of(till, "late-entries", start=start, end=end)
        assert [entry["entry_id"] for entry in part["data"]] == [entry["entry_id"] for entry in found]


def test_manual_entries_name_maker_and_checker_and_have_every_adjusted_point(till: Till) -> None:
    till.post(GrantFund("care", 500, "g-1", "a plan", BY))
    till.post(Earning("m-1", 40, "sorry", "a-1", source=Source(operator="op-7")))
    adjusted = adjust(till, "m-1", 60)
    till.at(day(2)).post(Reverse(adjusted["entry_id"], "wrong member"))
    adjust(till, "m-1", -15)

    report = report_of(till, "manual-entries")
    assert [
        (
            entry["kind"],
            entry["member_id"],
            entry["points"],
            entry["reason"],
            entry["maker"],
            entry["checker"],
        )
        for entry in reversed(report["data"])
    ] == [
        ("fund_grant", "fund/care", 500, "a plan", "maker", "checker"),
        ("award", "m-1", 40, "sorry", "op-7", None),
        ("adjust", "m-1", 60, "a mistake", "maker", "checker"),
        ("reversal", "m-1", -60, "wrong member", None, None),
        ("adjust", "m-1", -15, "a mistake", "maker", "checker"),
    ]
    assert report["adjusted"] == {"listed": -15, "roll_forward": -15}
    assert report["difference"] == 0
    second = report_of(till, "manual-entries", start=START)
    assert (second["entries"], second["adjusted"]["listed"], second["difference"]) == (2, -75, 0)


def test_lists_come_in_parts_that_make_the_whole(till: Till) -> None:
    for number in range(5):
        till.at(day(number)).post(Earning("m-1", 1, "sorry", f"a-{number}", source=Source(operator="op-7")))
    whole = report_of(till, "manual-entries")["data"]
    parts, cursor = [], None
    for size in (2, 2, 1):
        part = report_of(till, "manual-entries", limit=2, cursor=cursor)
        assert (len(part["data"]), part["entries"]) == (size, 5)
        parts += part["data"]
        cursor = part["next_cursor"]
    assert (parts, cursor) == (whole, None)
    first = report_of(till, "manual-entries", limit=2)["next_cursor"]
    with pytest.raises(InvalidRequest) as refusal:
        report_of(till, "late-entries", cursor=first)
    assert refusal.value.details["errors"][0]["field"] == "cursor"


def test_report_of_the_same_times_stays_the_same_when_something_comes_late(till: Till) -> None:
    buy_in(till, "s-1", 10_000)
    till.at(day(10)).redeem("m-1", 20)
    points = {"as_of": day(9), "known_as_of": day(10)}
    period = {"start": START, "end": day(9), "known_as_of": day(10)}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("trial-balance", points),
        ("ageing", points),
        ("points-roll-forward", {**period, "by": "store"}),
        ("issuance", period),
        ("late-entries", {"start": START, "end": day(10)}),
    ]
    before = [bytes_of(till, name, form, **how) for name, how in asked for form in ("json", "csv")]
    till.at(day(11))
    buy_in(till, "s-1", 99_900, occurred_at=day(3))
    assert before == [bytes_of(till, name, form, **how) for name, how in asked for form in ("json", "csv")]
    # As it is known now, it is another.
    now = report_of(till, "points-roll-forward", start=START, end=day(9), by="store")
    assert [(row["key"], row["issued"]) for row in now["rows"]] == [("s-1", 999)]


def test_csv_says_what_the_json_says(till: Till) -> None:
    buy_in(till, "s-1", 10_000)
    till.at(day(3))
    buy_in(till, "=2+2", 5_000, occurred_at=day(1))
    rows = table_of(till, "points-roll-forward", "rows", by="store")
    shown = report_of(till, "points-roll-forward", by="store")["rows"]
    assert [(row["key"].removeprefix("'"), int(row["issued"])) for row in rows] == [
        (row["key"], row["issued"]) for row in shown
    ]
    told = {row["name"]: row["value"] for row in table_of(till, "points-roll-forward", "report", by="store")}
    assert (told["to"], told["difference"], told["rows_difference"]) == (
        "2026-01-04T00:00:00.000000Z",
        "0",
        "0",
    )

    balance = report_of(till, "trial-balance")
    accounts = table_of(till, "trial-balance", "accounts")
    assert [(row["unit"], row["account"], int(row["debit"]), int(row["balance"])) for row in accounts] == [
        (unit["unit"], line["account"], line["debit"], line["balance"])
        for unit in balance["units"]
        for line in unit["accounts"]
    ]
    buckets = table_of(till, "ageing", "buckets")
    assert [(row["bucket"], int(row["points"]), int(row["face_value.amount"])) for row in buckets] == [
        (bucket["bucket"], bucket["points"], bucket["face_value"]["amount"])
        for bucket in report_of(till, "ageing")["buckets"]
    ]
    (late,) = table_of(till, "late-entries", "data")
    assert late["points"] == "50"
    # A list of nothing has its columns all the same.
    assert b"fund,opening,granted" in bytes_of(till, "issuance", "csv")


def test_reports_tell_of_their_own_program_only(till: Till) -> None:
    elsewhere = Till(till.database, new_program(till.database, "other"))
    elsewhere.at(day(9)).award("m-1", 7)
    elsewhere.post(Earning("m-1", 1, "sorry", "b-1", source=Source(operator="op-7")))
    elsewhere.buy("m-1", 5_000, occurred_at=day(1))
    elsewhere.post(GrantFund("care", 500, "g-1", "a plan", BY))
    till.at(day(9))
    assert moved(report_of(till, "points-roll-forward", by="rule")) == {}
    assert report_of(till, "points-roll-forward", by="month")["rows"] == []
    assert report_of(till, "ageing")["lots"]["points"] == 0
    assert report_of(till, "issuance")["funds"] == []
    assert report_of(till, "late-entries")["entries"] == report_of(till, "manual-entries")["entries"] == 0


@pytest.mark.parametrize(
    ("name", "asked", "field"),
    [
        ("points-roll-forward", {"start": day(2), "end": day(1)}, "to"),
        ("points-roll-forward", {"end": day(4)}, "to"),
        ("points-roll-forward", {"known_as_of": day(4)}, "known_as_of"),
        ("points-roll-forward", {"member_id": "m-1", "by": "store"}, "by"),
        ("ageing", {"as_of": day(4)}, "as_of"),
        ("ageing", {"known_as_of": day(4)}, "known_as_of"),
        ("trial-balance", {"as_of": day(4)}, "as_of"),
        ("issuance", {"start": day(2), "end": day(1)}, "to"),
        ("issuance", {"end": day(4)}, "to"),
        ("late-entries", {"start": day(2), "end": day(1)}, "to"),
        ("late-entries", {"end": day(4)}, "to"),
        ("manual-entries", {"end": day(4)}, "to"),
        ("manual-entries", {"cursor": "abc"}, "cursor"),
    ],
)
def test_times_that_cross_or_lie_ahead_are_refused_by_name(
    till: Till, name: str, asked: dict[str, Any], field: str
) -> None:
    till.at(day(3))
    with pytest.raises(InvalidRequest) as refusal:
        report_of(till, name, **asked)
    assert refusal.value.details["errors"][0]["field"] == field
