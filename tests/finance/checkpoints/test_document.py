"""A checkpoint's document: its bytes are those that the page tells, and what is not spelled so is not read."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.checkpoints.document import (
    Checkpoint,
    Leaf,
    Statement,
    UnreadableCheckpoint,
    read_header,
    read_leaf,
)
from ledger.finance.checkpoints.signing import is_signed
from tests.finance.signing import signer

STATEMENT = Statement(
    "shop",
    bytes(range(16)),
    2,
    datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
    3,
    40,
    b"r" * 32,
    b"p" * 32,
    signer().public_key,
)
SIGNED = Checkpoint(STATEMENT, signer().sign(STATEMENT.encoded()))

hashes = st.binary(min_size=32, max_size=32)
counts = st.integers(0, 2**63 - 1)
statements = st.builds(
    Statement,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(min_size=16, max_size=16),
    counts,
    st.datetimes(timezones=st.just(UTC)),
    counts,
    counts,
    hashes,
    st.none() | hashes,
    hashes,
)
leaves = st.builds(Leaf, st.binary(min_size=16, max_size=16), st.integers(1, 2**63 - 1), hashes)


def test_bytes_that_are_signed_are_those_that_the_page_tells() -> None:
    year_26 = timedelta(days=26 * 365 + 7) // timedelta(microseconds=1) + 7
    assert STATEMENT.encoded() == b"".join(
        (
            b"ledger checkpoint 1\0",
            b"\0\0\0\x04shop",
            b"\0\0\0\x10" + bytes(range(16)),
            b"\0\0\0\x08" + (2).to_bytes(8, "big"),
            b"\0\0\0\x08" + year_26.to_bytes(8, "big"),
            b"\0\0\0\x08" + (3).to_bytes(8, "big"),
            b"\0\0\0\x08" + (40).to_bytes(8, "big"),
            b"\0\0\0\x20" + b"r" * 32,
            b"\0\0\0\x20" + b"p" * 32,
            b"\0\0\0\x20" + signer().public_key,
        )
    )
    assert STATEMENT.digest() == sha256(STATEMENT.encoded()).digest()


def test_leaf_is_56_bytes() -> None:
    leaf = Leaf(bytes(range(16)), 258, b"h" * 32)
    assert leaf.encoded() == bytes(range(16)) + b"\0\0\0\0\0\0\x01\x02" + b"h" * 32
    assert leaf.line() == f'["{bytes(range(16)).hex()}",258,"{"68" * 32}"]\n'


@given(statements, st.binary(min_size=64, max_size=64))
def test_statement_that_is_written_is_read_again(statement: Statement, signature: bytes) -> None:
    checkpoint = Checkpoint(statement, signature)
    assert read_header(checkpoint.line().encode()) == checkpoint


@given(leaves)
def test_leaf_that_is_written_is_read_again(leaf: Leaf) -> None:
    assert read_leaf(2, leaf.line().encode()) == leaf


@given(statements, statements)
def test_two_statements_are_never_the_same_bytes(one: Statement, other: Statement) -> None:
    assert (one.encoded() == other.encoded()) == (one == other)


def test_signature_is_of_the_statement_and_of_the_key_in_it() -> None:
    assert is_signed(SIGNED)
    assert not is_signed(Checkpoint(STATEMENT, signer(1).sign(STATEMENT.encoded())))
    assert not is_signed(Checkpoint(STATEMENT, bytes(64)))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("format", "ledger checkpoint 2", "format must be 'ledger checkpoint 1'"),
        ("program", 7, "program must be a text"),
        ("checkpoint_id", "ent_" + "00" * 16, "checkpoint_id must be chk_ and 32 hex digits"),
        ("number", True, "number must be a whole number"),
        ("number", -1, "number must be a whole number"),
        ("entries", 1.0, "entries must be a whole number"),
        ("holders", 2**63, "holders must be a whole number"),
        ("made_at", "2026-01-01T00:00:00Z", "made_at must be a time in UTC with microseconds and Z"),
        ("made_at", "2026-01-01T00:00:00.000007+00:00", "made_at must be a time"),
        ("made_at", "0001-01-01T00:00:00.000000+14:00", "made_at must be a time"),
        ("root", "AB" * 32, "root must be 64 hex digits"),
        ("root", "ab" * 31, "root must be 64 hex digits"),
        ("previous", "", "previous must be 64 hex digits"),
        ("public_key", None, "public_key must be a text"),
        ("signature", "00" * 32, "signature must be 128 hex digits"),
    ],
)
def test_member_that_cannot_be_one_is_named(name: str, value: Any, told: str) -> None:
    line = json.dumps(SIGNED.shown() | {name: value}).encode()
    with pytest.raises(UnreadableCheckpoint, match=told) as caught:
        read_header(line)
    assert caught.value.line == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"null\n",
        b"[]\n",
        b'["00",1,"00"]\n',
        Leaf(bytes(16), 1, bytes(32)).line().encode()[:-1],
        Leaf(bytes(16), 1, bytes(32)).line().encode().replace(b",", b", "),
        Leaf(b"\xab" * 16, 1, bytes(32)).line().upper().encode(),
        Leaf(bytes(16), 0, bytes(32)).line().encode(),
        Leaf(bytes(16), 2**63, bytes(32)).line().encode(),
        b"[" * 100_000,
    ],
)
def test_line_that_is_not_spelled_as_a_leaf_is_none(line: bytes) -> None:
    with pytest.raises(UnreadableCheckpoint, match="line 7: must be"):
        read_leaf(7, line)
