"""Entries as they are read: newest first, in pages, whole, and of one program only."""

from typing import Any

import pytest

from ledger.accounts.members import put_member
from ledger.errors import EntryUnknown, InvalidRequest, MemberUnknown
from ledger.journal.queries import read_entries, read_entry
from tests.till import Till, day, new_program


def entry(till: Till, entry_id: str) -> dict[str, Any]:
    with till.reading() as connection:
        return read_entry(connection, till.program, entry_id)


def entries(till: Till, member: str = "m-1", **options: Any) -> list[dict[str, Any]]:
    with till.reading() as connection:
        return read_entries(connection, till.program, member, **options).items


def test_entry_is_read_whole(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    taken = till.at(day(2)).give_back(bought, 1, 3_000, occurred_at=day(1))
    point, growth = (lot["lot_id"] for lot in bought["lots"])

    read = entry(till, taken["entry_id"])
    stored = read.pop("hash")
    assert len(bytes.fromhex(stored)) == 32
    assert read == {
        "entry_id": taken["entry_id"],
        "member_id": "m-1",
        "version": 2,
        "kind": "return",
        "effective_at": "2026-01-02T00:00:00.000000Z",
        "recorded_at": "2026-01-03T00:00:00.000000Z",
        "channel": None,
        "store": None,
        "region": None,
        "operator": None,
        "terminal": None,
        "reference": taken["return_id"],
        "parent_entry_id": bought["entry_id"],
        "peer_member_id": None,
        "terms_version": 1,
        "extends_to": None,
        "postings": [
            {"debit": "growth", "credit": "growth_issued", "unit": "GROWTH", "amount": 30, "lot_id": growth},
            {"debit": "points", "credit": "issued", "unit": "POINT", "amount": 30, "lot_id": point},
        ],
        "details": {
            "purchase_id": bought["purchase_id"],
            "lines": [{"line_id": "1", "quantity": 1, "amount": 3_000}],
        },
        "balances_after": {"points": 70, "held": 0, "debt": 0, "growth": 70},
    }
    assert entry(till, bought["entry_id"])["details"]["awards"] == [
        {name: award[name] for name in ("rule", "rule_version", "unit", "amount", "inputs")}
        for award in bought["awards"]
    ]


def test_transfer_names_the_other_member_on_both_sides(till: Till) -> None:
    till.award("m-1", 10)
    till.award("m-2", 10)
    till.transfer("m-1", "m-2", 4)
    assert [entries(till, member)[0]["peer_member_id"] for member in ("m-1", "m-2")] == ["m-2", "m-1"]


def test_entries_come_newest_first_in_pages_that_later_entries_do_not_shift(till: Till) -> None:
    for points in range(1, 8):
        till.award("m-1", points)
    with till.reading() as connection:
        first = read_entries(connection, till.program, "m-1", limit=3)
    till.award("m-1", 8)
    with till.reading() as connection:
        second = read_entries(connection, till.program, "m-1", limit=3, cursor=first.next_cursor)
        third = read_entries(connection, till.program, "m-1", limit=3, cursor=second.next_cursor)
    assert [[e["version"] for e in page.items] for page in (first, second, third)] == [
        [7, 6, 5],
        [4, 3, 2],
        [1],
    ]
    assert third.next_cursor is None
    assert all(len(e["postings"]) == 1 for e in first.items)


def test_page_that_ends_with_the_last_entry_has_no_next(till: Till) -> None:
    till.award("m-1", 1)
    till.award("m-1", 2)
    with till.reading() as connection:
        assert read_entries(connection, till.program, "m-1", limit=2).next_cursor is None


def test_member_that_was_only_put_has_no_entries(till: Till) -> None:
    till.database.run(lambda c: put_member(c, till.program, "m-1", now=till.now))
    assert entries(till) == []


def test_absent_entries_and_entries_of_other_programs_are_unknown_alike(till: Till) -> None:
    entry_id = till.award("m-1", 10)["entry_id"]
    elsewhere = Till(till.database, new_program(till.database, "other"))
    with pytest.raises(EntryUnknown) as foreign:
        entry(elsewhere, entry_id)
    absent = "ent_" + "0" * 32
    with pytest.raises(EntryUnknown) as missing:
        entry(till, absent)
    with pytest.raises(EntryUnknown):
        entry(till, entry_id.upper())
    assert foreign.value.detail.replace(entry_id, absent) == missing.value.detail
    with pytest.raises(MemberUnknown):
        entries(elsewhere)


def test_cursor_of_another_list_is_refused_by_name(till: Till) -> None:
    till.award("m-1", 10)
    with till.reading() as connection, pytest.raises(InvalidRequest) as refusal:
        read_entries(connection, till.program, "m-1", cursor="TAAAAAAAAAAA")
    assert refusal.value.details["errors"][0]["field"] == "cursor"
