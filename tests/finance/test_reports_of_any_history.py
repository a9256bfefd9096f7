"""Laws of the reports, over random histories: they tie, and nothing that is kept beside the books changes a byte."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest

from ledger.finance.catalogue import REPORTS
from ledger.finance.roll_forward import WAYS, Movements
from ledger.finance.tables import cell
from ledger.journal.commands import Command
from ledger.redemption.adjustments import Adjust, Wanted
from tests.finance.histories import BY, MEMBERS, History
from tests.finance.reporting import bytes_of, report_of, total_anew, total_up
from tests.till import START, Till


class PutRight(History):
    """A history in which points are put right by hand as well."""

    def _command(self) -> Command:
        if self.random.random() > 0.08:
            return super()._command()
        points = self.random.choice((1, -1)) * self.random.randrange(1, 40)
        number = next(self.till.numbers)
        return Adjust(f"adj_{number}", Wanted(self.random.choice(MEMBERS), points, "a mistake"), BY)


Asked = list[tuple[str, dict[str, Any]]]


def some_times(till: Till, random: Random, number: int) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Beginning and end of a period and as of when it is known; now and then at the same moment."""
    hours = int((till.now - START) / timedelta(hours=1))
    for _ in range(number):
        start, end = sorted(START + timedelta(hours=random.randrange(hours)) for _ in range(2))
        yield start, end, random.choice((end, till.now, START + timedelta(hours=random.randrange(hours))))


def all_asked(start: datetime, end: datetime, known: datetime) -> Asked:
    """Every report, and every way to tell one apart."""
    times = {"as_of": end, "known_as_of": known, "start": start, "end": end}
    asked: Asked = [
        (name, {option: times[option] for option in kind.takes if option in times})
        for name, kind in REPORTS.items()
    ]
    period = {"start": start, "end": end, "known_as_of": known}
    return asked + [("points-roll-forward", {**period, "by": way}) for way in WAYS]


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_report_ties_whatever_happened_and_whatever_the_totals_have(till: Till, seed: int) -> None:
    history, random = PutRight(till, Random(seed)), Random(seed)
    history.run(60)
    total_up(till)
    history.run(40)
    times = list(some_times(till, random, 5))
    for start, end, known in times:
        judge(till, start, end, known)
    asked = [each for moments in times for each in all_asked(*moments)]
    partly = shown(till, asked)
    total_up(till)
    same(asked, partly, shown(till, asked))
    forget(till)
    same(asked, partly, shown(till, asked))
    total_anew(till)
    same(asked, partly, shown(till, asked))


def test_csv_leaves_nothing_out_that_the_json_says(till: Till) -> None:
    PutRight(till, Random(16)).run(60)
    for name, how in all_asked(START, till.now, till.now):
        said = leaves(report_of(till, name, **how))
        shown = cells(bytes_of(till, name, "csv", **how).decode())
        assert said - shown == Counter(), name


def leaves(value: Any, name: str = "") -> Counter[tuple[str, str]]:
    """What an answer says, by the last name of each member; nothing where there is nothing."""
    if isinstance(value, dict):
        return sum((leaves(inner, key) for key, inner in value.items()), Counter())
    if isinstance(value, list):
        return sum((leaves(inner, name) for inner in value), Counter())
    return Counter() if value is None else Counter([(name, cell(value))])


def cells(text: str) -> Counter[tuple[str, str]]:
    """What a CSV says, in the same way."""
    found: Counter[tuple[str, str]] = Counter()
    for row in csv.DictReader(StringIO(text, newline=""), strict=True):
        if row["table"] == "report":
            found[row["name"].rsplit(".")[-1], row["value"]] += 1
        else:
            found.update((column.rsplit(".")[-1], value) for column, value in row.items())
    return found


@pytest.mark.parametrize("seed", [14, 15])
def test_nothing_that_arrives_later_changes_a_byte(till: Till, seed: int) -> None:
    history, random = PutRight(till, Random(seed)), Random(seed)
    history.run(60)
    asked = [
        each for start, end, _ in some_times(till, random, 4) for each in all_asked(start, end, till.now)
    ]
    before = shown(till, asked)
    till.at(till.now + timedelta(seconds=1))
    history.run(20)
    same(asked, before, shown(till, asked))
    total_up(till)
    same(asked, before, shown(till, asked))


def shown(till: Till, asked: Asked) -> list[bytes]:
    return [bytes_of(till, name, **how) for name, how in asked]


def same(asked: Asked, before: list[bytes], after: list[bytes]) -> None:
    for each, first, second in zip(asked, before, after, strict=True):
        assert first == second, each


def forget(till: Till) -> None:
    """As if the totals had never been refreshed."""

    def work(connection: Any) -> None:
        for table in ("daily_totals", "total_days", "contract_totals", "flagged_entries", "totals_state"):
            connection.exec_driver_sql(f"DELETE FROM {table}")

    till.database.run(work)


def judge(till: Till, start: datetime, end: datetime, known: datetime) -> None:
    """The differences that reports show, and those that they do not."""
    balance = report_of(till, "trial-balance", as_of=end, known_as_of=known)
    assert balance["difference"] == 0
    accounts = {line["account"]: line["balance"] for line in balance["units"][0]["accounts"]}
    outstanding = accounts["points"] + accounts["held"] - accounts["debt"]

    period = {"start": start, "end": end, "known_as_of": known}
    total = report_of(till, "points-roll-forward", **period)
    assert (total["closing"], total["difference"]) == (outstanding, 0)
    for way in WAYS:
        told = report_of(till, "points-roll-forward", **period, by=way)
        assert {name: told[name] for name in total} == total
        assert told["rows_difference"] == 0
        for row in told["rows"]:
            assert Movements(**{name: row[name] for name in Movements.__slots__}).net == (
                row["closing"] - row["opening"]
            )
        for name in Movements.__slots__:
            assert sum(row[name] for row in told["rows"]) == total[name], (way, name)
        if way != "month":
            assert sum(row["opening"] for row in told["rows"]) == total["opening"]
        elif told["rows"]:
            assert told["rows"][0]["opening"] == total["opening"]
            assert told["rows"][-1]["closing"] == total["closing"]

    ageing = report_of(till, "ageing", as_of=end, known_as_of=known)
    assert ageing["difference"] == 0
    assert ageing["outstanding"]["points"] == outstanding
    assert ageing["debt"]["points"] == accounts["debt"]
    assert sum(bucket["points"] for bucket in ageing["buckets"]) == accounts["points"] + accounts["held"]
    if ageing["rate"] is not None:
        worth = [bucket["face_value"]["amount"] for bucket in ageing["buckets"]]
        assert sum(worth) == ageing["lots"]["face_value"]["amount"]

    issuance = report_of(till, "issuance", **period)
    assert issuance["difference"] == 0
    assert issuance["total"]["left"] == accounts["fund"]
    assert issuance["issued"]["total"] == total["issued"]
    assert report_of(till, "manual-entries", start=start, end=end)["difference"] == 0
