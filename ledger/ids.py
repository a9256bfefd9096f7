"""Identifiers: 16 bytes inside, a type prefix and 32 hex digits outside; hex keeps the byte order.

A holder's id is derived from its program and the caller's member id, so that whoever knows the two
can lock, route or verify without a look-up. An entry's id is a UUIDv7 (RFC 9562) whose last 16 bits
are zero: the lots that the entry opens are numbered in these bits. So a lot names its entry, lot ids
need no randomness of their own, and the pure core can open any number of lots.
"""

import os
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

MAX_LOTS_PER_ENTRY = 0xFFFF
FUND_PREFIX = "fund/"
_last_tick = 0
_tick_lock = threading.Lock()


@lru_cache(maxsize=16_384)
def holder_id(program_id: int, member_id: str) -> bytes:
    """The holder of a member: a UUIDv8 over the program's number and the member id."""
    digest = sha256(b"%d/%b" % (program_id, member_id.encode("ascii"))).digest()
    return _versioned(digest[:16], 8)


def fund_name(code: str) -> str:
    """The name of a fund among the holders; the slash keeps it apart from every member's id."""
    return FUND_PREFIX + code


def operator_name(code: str) -> str:
    """The name of an operator among the holders."""
    return f"operator/{code}"


def new_entry_id() -> bytes:
    """A fresh UUIDv7 with room for lot ordinals: strictly increasing within this process."""
    global _last_tick
    # One tick is 1/4096 of a millisecond, as RFC 9562 method 3 has it: 48 bits of milliseconds, 12 of fraction.
    now = time.time_ns() * 4096 // 1_000_000
    with _tick_lock:
        _last_tick = tick = max(now, _last_tick + 1)
    head = (tick >> 12 << 16 | 0x7000 | tick & 0xFFF).to_bytes(8, "big")
    tail = os.urandom(6)
    return head + bytes((tail[0] & 0x3F | 0x80,)) + tail[1:] + b"\0\0"


def first_entry_id(at: datetime) -> bytes:
    """The least id that an entry made from then on may have; by the system's time, as ids are."""
    milliseconds = int(at.timestamp() * 1000)
    return (milliseconds << 16 | 0x7000).to_bytes(8, "big") + b"\x80" + bytes(7)


def made_at(entry_id: bytes) -> datetime:
    """When an id was given, to the millisecond, by the system's time."""
    return datetime.fromtimestamp(int.from_bytes(entry_id[:6], "big") / 1000, UTC)


def lot_id(entry_id: bytes, ordinal: int) -> bytes:
    """The id of the ``ordinal``-th lot (from 1) that an entry opens."""
    assert 1 <= ordinal <= MAX_LOTS_PER_ENTRY
    return entry_id[:14] + ordinal.to_bytes(2, "big")


def entry_of_lot(lot: bytes) -> bytes:
    """The entry that opened a lot."""
    return lot[:14] + b"\0\0"


def show(prefix: str, identifier: bytes) -> str:
    """The outside form: ``show("ent", b)`` is ``ent_`` and 32 hex digits."""
    return f"{prefix}_{identifier.hex()}"


def read(prefix: str, text: str) -> bytes | None:
    """The inside form of an id shown with ``prefix``, or None when ``text`` is not one."""
    if len(text) != len(prefix) + 33 or not text.startswith(prefix + "_"):
        return None
    digits = text[len(prefix) + 1 :]
    if not digits.isascii() or digits != digits.lower():
        return None
    try:
        identifier = bytes.fromhex(digits)
    except ValueError:
        return None
    # fromhex skips white space, so 32 characters may be fewer bytes.
    return identifier if len(identifier) == 16 else None


def _versioned(raw: bytes, version: int) -> bytes:
    return raw[:6] + bytes((raw[6] & 0x0F | version << 4, raw[7], raw[8] & 0x3F | 0x80)) + raw[9:]
