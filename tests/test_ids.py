"""Identifiers: they sort as they are made, lots name their entry, and nothing that is not one is read as one."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ids import MAX_LOTS_PER_ENTRY, entry_of_lot, holder_id, lot_id, new_entry_id, read, show
from tests.profiles import examples

ENTRY = bytes.fromhex("0199aabbccdd7eef8123456789ab0000")


def test_entry_ids_rise_strictly() -> None:
    made = [new_entry_id() for _ in range(5_000)]
    assert made == sorted(set(made))


def test_entry_ids_of_many_threads_are_distinct_and_rise_in_each() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_entry_id() for _ in range(500)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({identifier for batch in batches for identifier in batch}) == 4_000


def test_entry_id_is_a_uuid_of_version_7_with_room_for_lots() -> None:
    identifier = new_entry_id()
    assert UUID(bytes=identifier).version == 7
    assert UUID(bytes=identifier).variant == "specified in RFC 4122"
    assert identifier[14:] == b"\0\0"


def test_entry_id_begins_with_the_milliseconds_of_its_time() -> None:
    before, after = (int.from_bytes(new_entry_id()[:6], "big") for _ in range(2))
    assert before <= after
    assert 1_700_000_000_000 < before < 2**48 - 1


def test_lots_sort_behind_their_entry_and_before_the_next() -> None:
    first, second = new_entry_id(), new_entry_id()
    lots = [lot_id(first, ordinal) for ordinal in (1, 2, 255, 256, MAX_LOTS_PER_ENTRY)]
    assert [first, *lots, second] == sorted([first, *lots, second])
    assert {entry_of_lot(lot) for lot in lots} == {first}
    assert len(set(lots)) == len(lots)


@pytest.mark.parametrize("ordinal", [0, -1, MAX_LOTS_PER_ENTRY + 1])
def test_an_entry_numbers_its_lots_from_one_within_sixteen_bits(ordinal: int) -> None:
    with pytest.raises(AssertionError):
        lot_id(ENTRY, ordinal)


def test_holder_id_is_derived_and_stays_what_it_is() -> None:
    # Written out: an id that changed would orphan every row of the member.
    assert holder_id(1, "m-1").hex() == "e0baad4cd9528b7bacf777d3bdf301c9"
    assert UUID(bytes=holder_id(1, "m-1")).version == 8


@examples(200)
@given(
    st.tuples(st.integers(1, 2**31 - 1), st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)),
    st.tuples(st.integers(1, 2**31 - 1), st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)),
)
def test_no_two_members_share_a_holder(one: tuple[int, str], other: tuple[int, str]) -> None:
    assert (holder_id(*one) == holder_id(*other)) == (one == other)


@examples(100)
@given(st.binary(min_size=16, max_size=16))
def test_what_is_shown_is_read_again_and_keeps_its_order(identifier: bytes) -> None:
    text = show("ent", identifier)
    assert text == f"ent_{identifier.hex()}"
    assert read("ent", text) == identifier
    assert (text < show("ent", ENTRY)) == (identifier < ENTRY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ent_",
        "ent",
        ENTRY.hex(),
        f"lot_{ENTRY.hex()}",
        f"ent-{ENTRY.hex()}",
        f"ent_{ENTRY.hex().upper()}",
        f"ent_{ENTRY.hex()}0",
        f"ent_{ENTRY.hex()[:-1]}",
        f"ent_{ENTRY.hex()[:-1]}g",
        f"ent_{ENTRY.hex()[:-1]}\u0661",  # a digit elsewhere
        f" ent_{ENTRY.hex()[:-1]}",
        f"ent_{ENTRY.hex()[:-2]}  ",
        f"ent_ {ENTRY.hex()[:-2]} ",
        f"ent_{ENTRY.hex()[:10]}  {ENTRY.hex()[10:-2]}",
        f"ent_{ENTRY.hex()[:-2]}\n\t",
        "ent_" + " " * 32,
    ],
)
def test_what_is_not_an_id_of_the_kind_is_not_read(text: str) -> None:
    assert read("ent", text) is None
