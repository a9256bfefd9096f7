"""The hash chain: every element of every row counts, and none can lend bytes to its neighbour."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import wire
from ledger.journal.chain import ENTRY_COLUMNS, FORMAT, POSTING_COLUMNS, encode, link
from ledger.journal.models import entries, postings
from tests.builders import Bench, earning, program, purchase, redeem
from tests.model.invariants import check_chain
from tests.model.memory import MemoryDriver
from tests.profiles import examples

GENESIS = bytes(32)
NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)

ENTRY: dict[str, Any] = {
    "entry_id": b"e" * 16,
    "holder_id": b"h" * 16,
    "version": 7,
    "effective_at": NOW,
    "recorded_at": NOW + timedelta(seconds=1),
    "points_after": 10,
    "held_after": 0,
    "debt_after": 0,
    "growth_after": 5,
    "terms_version": 1,
    "kind": "earn",
    "parent_entry_id": None,
    "peer_holder_id": None,
    "extends_to": None,
    "reference": "p-1",
    "channel": None,
    "store": "",
    "region": "east",
    "operator": None,
    "terminal": None,
    "details": b'{"a":1}',
}
POSTING: dict[str, Any] = {
    "entry_id": b"e" * 16,
    "holder_id": b"h" * 16,
    "amount": 10,
    "ordinal": 1,
    "debit": 50,
    "credit": 1,
    "unit": 1,
    "lot_id": b"l" * 16,
    "available_at": NOW,
    "expires_at": None,
    "rolling": False,
}
OTHER: dict[type[wire.Array], list[Any]] = {
    wire.Uuids: [b"x" * 16, None],
    wire.Int8s: [0, 1, -1, 2**53 - 1],
    wire.Int4s: [0, 2, -1],
    wire.Int2s: [0, 2, -1],
    wire.Moments: [NOW + timedelta(microseconds=1), None],
    wire.Texts: ["", "e", "earn ", None],
    wire.Booleans: [True, None],
    wire.Jsons: [b"", b"{}", b'{"a": 1}', None],
}


def hash_of(entry: dict[str, Any], *rows: dict[str, Any], previous: bytes = GENESIS) -> bytes:
    return link(
        previous,
        encode(ENTRY_COLUMNS, list(entry.values())),
        [encode(POSTING_COLUMNS, list(row.values())) for row in rows],
    )


def test_every_column_of_the_rows_is_covered() -> None:
    assert set(ENTRY_COLUMNS) == {column.name for column in entries.columns} - {"hash"}
    assert set(POSTING_COLUMNS) == {column.name for column in postings.columns}


@pytest.mark.parametrize("column", ENTRY_COLUMNS)
def test_changing_any_one_column_of_the_entry_changes_the_hash(column: str) -> None:
    kind, _ = ENTRY_COLUMNS[column]
    others = [value for value in OTHER[kind] if value != ENTRY[column]]
    hashes = {hash_of(ENTRY, POSTING)} | {hash_of(ENTRY | {column: value}, POSTING) for value in others}
    assert len(hashes) == len(others) + 1


@pytest.mark.parametrize("column", POSTING_COLUMNS)
def test_changing_any_one_column_of_a_posting_changes_the_hash(column: str) -> None:
    kind, _ = POSTING_COLUMNS[column]
    others = [value for value in OTHER[kind] if value is not POSTING[column] and value != POSTING[column]]
    hashes = {hash_of(ENTRY, POSTING)} | {hash_of(ENTRY, POSTING | {column: value}) for value in others}
    assert len(hashes) == len(others) + 1


def test_the_hash_before_counts_and_so_do_number_and_order_of_postings() -> None:
    second = POSTING | {"ordinal": 2}
    hashes = [
        hash_of(ENTRY),
        hash_of(ENTRY, POSTING),
        hash_of(ENTRY, POSTING, POSTING),
        hash_of(ENTRY, POSTING, second),
        hash_of(ENTRY, second, POSTING),
        hash_of(ENTRY, POSTING, previous=b"\x01" + GENESIS[1:]),
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_hash_of_a_known_row_never_changes() -> None:
    # Written out: rows in the books carry it. Another encoding needs another FORMAT.
    assert FORMAT == b"ledger entry 1\0"
    assert hash_of(ENTRY, POSTING).hex() == "2dc90fd812a360e070bcf131916e8d6fa9a064d58c617985dae15896b9a24ac6"


def test_hash_is_the_sha256_of_what_it_covers() -> None:
    assert link(GENESIS, [b"ab", b"c"], [[b"d"]]) == sha256(FORMAT + GENESIS + b"abcd").digest()


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@examples(300)
@given(st.lists(st.none() | texts, max_size=5), st.lists(st.none() | texts, max_size=5))
def test_elements_cannot_lend_bytes_to_their_neighbours(
    one: list[str | None], other: list[str | None]
) -> None:
    joined = [b"".join(map(wire.text, row)) for row in (one, other)]
    assert (joined[0] == joined[1]) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["", "a"], ["a", ""]),
        ([None, ""], ["", None]),
        ([None], [""]),
        (["a", "b"], ["ab", ""]),
    ],
)
def test_text_moved_to_the_next_column_is_noticed(one: list[str | None], other: list[str | None]) -> None:
    columns = ["channel", "store"]
    rows = [ENTRY | dict(zip(columns, [*values, None][:2], strict=True)) for values in (one, other)]
    assert hash_of(rows[0]) != hash_of(rows[1])


def tamper(change: Callable[[Bench], None]) -> str:
    """What the chain's check says after a change to the stored rows."""
    bench = Bench(MemoryDriver(program()))
    bench.must(purchase(5_000))
    bench.must(earning(10))
    bench.must(redeem(30))
    books = bench.books()
    check_chain(books.holders["m-1"], books.entries["m-1"])
    change(bench)
    books = bench.books()
    try:
        check_chain(books.holders["m-1"], books.entries["m-1"])
    except AssertionError as error:
        return str(error)
    return "the chain verifies"


def change_amount(bench: Bench) -> None:
    rows = bench.driver.rows  # type: ignore[attr-defined]
    posting = rows[1].postings[0]
    rows[1] = rows[1]._replace(postings=(posting._replace(amount=11),))


def drop_entry(bench: Bench) -> None:
    del bench.driver.rows[1]  # type: ignore[attr-defined]


def swap_entries(bench: Bench) -> None:
    rows = bench.driver.rows  # type: ignore[attr-defined]
    rows[0], rows[1] = rows[1], rows[0]


def cut_the_tail(bench: Bench) -> None:
    bench.driver.rows.pop()  # type: ignore[attr-defined]


def rewrite_and_rehash(bench: Bench) -> None:
    rows = bench.driver.rows  # type: ignore[attr-defined]
    forged = rows[1]._replace(reference="e-forged")
    row = encode(ENTRY_COLUMNS, forged[: len(ENTRY_COLUMNS)])
    made = link(rows[0].hash, row, [encode(POSTING_COLUMNS, posting) for posting in forged.postings])
    rows[1] = forged._replace(hash=made)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (change_amount, r"breaks at version 2"),
        (drop_entry, r"breaks at version 3"),
        (swap_entries, r"breaks at version 2"),
        (rewrite_and_rehash, r"breaks at version 3"),
        (cut_the_tail, r"the head is not the hash"),
    ],
)
def test_tampering_breaks_the_chain(change: Callable[[Bench], None], finding: str) -> None:
    assert re.search(finding, tamper(change))
