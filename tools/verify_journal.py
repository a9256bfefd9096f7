"""Checks an exported journal against a checkpoint, with Python's standard library and nothing of the ledger.

    python tools/verify_journal.py CHECKPOINT JOURNAL [--public-key HEX]

CHECKPOINT is a file of `ledger checkpoint`, JOURNAL one of `ledger export evidence` that was written later. What the
files hold, byte by byte, is told in docs/evidence.md; this program is written from that page. It reads both files once
and side by side, so it needs no more memory than one member's lots take. Exit code 0 when all of it holds, 1 with the
first row of each problem when something does not, 2 when a file cannot be opened.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from typing import Any, BinaryIO

CHECKPOINT_FORMAT = "ledger checkpoint 1"
JOURNAL_FORMAT = "ledger journal 1"
ENTRY_FORMAT = b"ledger entry 1\0"
SLACK_MICROSECONDS = 15 * 60 * 1_000_000
MAX_AMOUNT = 2**53 - 1

# Columns in the order in which a hash covers them, and what each holds; a ? may be null.
ENTRY_COLUMNS = {
    "entry_id": "uuid",
    "holder_id": "uuid",
    "version": "int8",
    "effective_at": "time",
    "recorded_at": "time",
    "points_after": "int8",
    "held_after": "int8",
    "debt_after": "int8",
    "growth_after": "int8",
    "terms_version": "int4",
    "kind": "text",
    "parent_entry_id": "uuid?",
    "peer_holder_id": "uuid?",
    "extends_to": "time?",
    "reference": "text?",
    "channel": "text?",
    "store": "text?",
    "region": "text?",
    "operator": "text?",
    "terminal": "text?",
    "details": "text?",
}
POSTING_COLUMNS = {
    "entry_id": "uuid",
    "holder_id": "uuid",
    "amount": "int8",
    "ordinal": "int2",
    "debit": "int2",
    "credit": "int2",
    "unit": "int2",
    "lot_id": "uuid?",
    "available_at": "time?",
    "expires_at": "time?",
    "rolling": "boolean?",
}
STATEMENT_MEMBERS = {
    "program": "text",
    "checkpoint_id": "checkpoint_id",
    "number": "int8",
    "made_at": "time",
    "holders": "int8",
    "entries": "int8",
    "root": "hash",
    "previous": "hash?",
    "public_key": "hash",
}

# Accounts that postings of one unit move between. Money has two units for each currency: its ISO 4217 number, and
# 1,000 more for millionths of a minor unit.
ACCOUNTS_BY_UNIT: dict[str, tuple[set[int], ...]] = {
    "points": ({1, 2, 3, 50, 51, 52, 53, 54, 55}, {5, 56, 57}, {70, 71}),
    "growth": ({4, 60, 61, 62},),
    "money": ({80, 81, 82, 83, 84},),
    "millionths": ({90, 91},),
}
POINTS, HELD, DEBT, GROWTH, FUND = 1, 2, 3, 4, 5
LOT_ACCOUNTS = {POINTS, HELD, GROWTH}


class Unreadable(ValueError):
    """A line or a value is not what belongs there."""


# --- Values, as PostgreSQL sends them behind a length of four bytes ---

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z", re.ASCII).fullmatch
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - both sides are UTC


def microseconds(value: Any) -> int:
    """A time as microseconds since 2000-01-01 00:00 UTC."""
    found = TIME(value) if isinstance(value, str) else None
    if not found:
        raise Unreadable("must be a time in UTC, such as 2026-01-31T09:30:00.000000Z")
    try:
        since = datetime(*map(int, found.groups())) - EPOCH  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return since // timedelta(microseconds=1)


def hex_bytes(length: int, prefix: str = "") -> Callable[[Any], bytes]:
    """A reader of that many bytes in lower-case hex digits."""
    matches = re.compile(f"{prefix}([0-9a-f]{{{2 * length}}})").fullmatch

    def read(value: Any) -> bytes:
        found = matches(value) if isinstance(value, str) else None
        if not found:
            raise Unreadable(f"must be {prefix}{2 * length} hex digits")
        return bytes.fromhex(found[1])

    return read


def integer_bytes(length: int) -> Callable[[Any], bytes]:
    """A reader of integers of that many bytes, big-endian with a sign."""

    def read(value: Any) -> bytes:
        if type(value) is not int or not -(1 << 8 * length - 1) <= value < 1 << 8 * length - 1:
            raise Unreadable(f"must be an integer of {length} bytes")
        return value.to_bytes(length, "big", signed=True)

    return read


def text_bytes(value: Any) -> bytes:
    """A text in UTF-8."""
    try:
        return value.encode()  # type: ignore[no-any-return]
    except (AttributeError, UnicodeEncodeError):
        raise Unreadable("must be a text") from None


def boolean_bytes(value: Any) -> bytes:
    """One byte, 0 or 1."""
    if type(value) is not bool:
        raise Unreadable("must be true or false")
    return b"\1" if value else b"\0"


READERS: dict[str, Callable[[Any], bytes]] = {
    "uuid": hex_bytes(16),
    "hash": hex_bytes(32),
    "checkpoint_id": hex_bytes(16, "chk_"),
    "int2": integer_bytes(2),
    "int4": integer_bytes(4),
    "int8": integer_bytes(8),
    "time": lambda value: microseconds(value).to_bytes(8, "big", signed=True),
    "text": text_bytes,
    "boolean": boolean_bytes,
}


def encoded(columns: dict[str, str], row: dict[str, Any]) -> bytes:
    """The elements of a row; Unreadable naming the column of a value that cannot be one."""
    elements = []
    for name, kind in columns.items():
        value = row[name]
        if value is None and kind.endswith("?"):
            elements.append(b"\xff\xff\xff\xff")
            continue
        try:
            read = READERS[kind.rstrip("?")](value)
        except Unreadable as error:
            raise Unreadable(f"{name} {error}") from None
        elements += (len(read).to_bytes(4, "big"), read)
    return b"".join(elements)


def parsed(line: bytes, members: set[str]) -> dict[str, Any]:
    """The object of a line, which has these members, each once, and no others."""
    try:
        value = json.loads(line, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {error}") from None
    return require_members(value, members)


def require_members(value: Any, members: set[str]) -> dict[str, Any]:
    """The value, if it is an object that has these members and no others."""
    if not isinstance(value, dict):
        raise Unreadable("must be an object")
    if value.keys() != members:
        raise Unreadable(f"must have the members {', '.join(sorted(members))}, and no others")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member stands twice")
    return value


# --- The Merkle tree of RFC 6962, section 2.1 ---


class Tree:
    """Takes leaves one by one, and keeps the roots of the full subtrees that they fill."""

    def __init__(self) -> None:
        self.size = 0
        self.full: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Put a leaf behind the others."""
        size, root = 1, sha256(b"\0" + leaf).digest()
        while self.full and self.full[-1][0] == size:
            root = sha256(b"\1" + self.full.pop()[1] + root).digest()
            size *= 2
        self.full.append((size, root))
        self.size += 1

    def root(self) -> bytes:
        """The root over all of them."""
        if not self.full:
            return sha256().digest()
        root = self.full[-1][1]
        for _, larger in reversed(self.full[:-1]):
            root = sha256(b"\1" + larger + root).digest()
        return root


# --- Ed25519 of RFC 8032, section 5.1: verification, on x, y, z, t with x/z and y/z on the curve and t = xy/z ---

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int, int, int]


def is_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key has signed the message so."""
    key, commitment = point_of(public_key), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or commitment is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    x1, y1, z1, _ = times(scalar, BASE)
    x2, y2, z2, _ = plus(commitment, times(challenge, key))
    return (x1 * z2 - x2 * z1) % PRIME == 0 and (y1 * z2 - y2 * z1) % PRIME == 0


def point_of(encoding: bytes) -> Point | None:
    """The point of 32 bytes: y, little-endian, and in the last bit whether x is odd."""
    if len(encoding) != 32:
        return None
    number = int.from_bytes(encoding, "little")
    y, is_odd = number & (1 << 255) - 1, number >> 255
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME or (x == 0 and is_odd):
        return None
    if x & 1 != is_odd:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def plus(one: Point, other: Point) -> Point:
    """The sum of two points; the formula holds for equal ones as well."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    below, above = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    crossed, scaled = 2 * CURVE * t1 * t2, 2 * z1 * z2
    e, f, g, h = above - below, scaled - crossed, scaled + crossed, above + below
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(scalar: int, point: Point) -> Point:
    """That many times the point."""
    product: Point = (0, 1, 1, 0)
    for bit in bin(scalar)[2:]:
        product = plus(product, product)
        if bit == "1":
            product = plus(product, point)
    return product


_BASE = point_of((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
assert _BASE is not None
BASE = _BASE


# --- What is found ---


@dataclass
class Report:
    """For each problem how often it occurs, and where first."""

    faults: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)

    def add(self, problem: str, where: str) -> None:
        """Note a fault."""
        self.faults[problem] = self.faults.get(problem, 0) + 1
        self.firsts.setdefault(problem, where)

    def lines(self) -> Iterator[str]:
        """A line for each problem."""
        for problem, first in self.firsts.items():
            number = self.faults[problem]
            more = "" if number == 1 else f" (and {number - 1:,} more)"
            yield f"BROKEN  {problem:<11} {first}{more}"


# --- The checkpoint ---


@dataclass(frozen=True)
class Leaf:
    """Where a holder's chain ended."""

    line: int
    holder: bytes
    version: int
    head: bytes


class Checkpoint:
    """A checkpoint's file: its statement is read at once, its leaves one by one."""

    def __init__(self, file: BinaryIO, report: Report, public_key: bytes | None) -> None:
        self.file, self.report = file, report
        self.said: dict[str, Any] = {}
        self.made_at: int | None = None
        self.tree, self.entries, self.last = Tree(), 0, b""
        try:
            self._read_statement(public_key)
        except Unreadable as error:
            report.add("checkpoint", f"line 1: {error}")

    def _read_statement(self, public_key: bytes | None) -> None:
        said = parsed(self.file.readline(), {"format", "signature", *STATEMENT_MEMBERS})
        if said["format"] != CHECKPOINT_FORMAT:
            raise Unreadable(f"format must be {CHECKPOINT_FORMAT!r}")
        statement = CHECKPOINT_FORMAT.encode() + b"\0" + encoded(STATEMENT_MEMBERS, said)
        self.said, self.made_at = said, microseconds(said["made_at"])
        key = bytes.fromhex(said["public_key"])
        if not is_signature(key, statement, hex_bytes(64)(said["signature"])):
            self.report.add("signature", f"line 1: {said['checkpoint_id']} is not signed by its public_key")
        if public_key is not None and key != public_key:
            self.report.add("public key", f"line 1: {said['checkpoint_id']} is signed by {key.hex()}")

    def leaves(self) -> Iterator[Leaf]:
        """The leaves in their order; in the end it has been asked whether they are those that were signed."""
        for number, line in enumerate(self.file, 2):
            try:
                leaf = self._leaf(number, line)
            except Unreadable as error:
                self.report.add("checkpoint", f"line {number}: {error}")
                continue
            yield leaf
        if self.said:
            self._compare()

    def _leaf(self, number: int, line: bytes) -> Leaf:
        try:
            holder, version, head = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            raise Unreadable("must be [holder_id, version, head]") from None
        leaf = Leaf(number, hex_bytes(16)(holder), version, hex_bytes(32)(head))
        self.tree.add(leaf.holder + integer_bytes(8)(version) + leaf.head)
        self.entries += version
        if leaf.holder <= self.last:
            self.report.add("checkpoint", f"line {number}: holder {holder} must come after the one before")
        self.last = leaf.holder
        return leaf

    def _compare(self) -> None:
        counted = {"holders": self.tree.size, "entries": self.entries, "root": self.tree.root().hex()}
        for name, value in counted.items():
            if self.said[name] != value:
                where = f"{name} of {self.said['checkpoint_id']} is {self.said[name]}"
                self.report.add("leaves", f"line 1: {where}, and the leaves have {value}")


# --- The journal ---


@dataclass
class Holder:
    """What the entries of a holder have come to so far."""

    holder: bytes
    leaf: Leaf | None
    version: int = 0
    hash: bytes = bytes(32)
    recorded_at: int = -(2**63)
    points: int = 0
    held: int = 0
    debt: int = 0
    growth: int = 0
    lots: dict[str, list[int]] = field(default_factory=dict)
    """Of each lot: how much it had, how much remains in it, how much of it is held."""


class Journal:
    """A journal's file, walked beside the leaves of a checkpoint."""

    def __init__(self, file: BinaryIO, checkpoint: Checkpoint, report: Report) -> None:
        self.file, self.checkpoint, self.report = file, checkpoint, report
        self.leaves = checkpoint.leaves()
        self.next_leaf = next(self.leaves, None)
        self.present: Holder | None = None
        self.holders = self.entries = self.postings = self.later = 0

    def check(self) -> None:
        """Walk all of it."""
        self._read_head()
        for number, line in enumerate(self.file, 2):
            try:
                row = parsed(line, {"hash", "postings", *ENTRY_COLUMNS})
                self._take(number, row)
            except Unreadable as error:
                self.report.add("journal", f"line {number}: {error}")
        self._end_holder()
        while self.next_leaf is not None:
            self._miss(self.next_leaf)

    def _read_head(self) -> None:
        try:
            head = parsed(self.file.readline(), {"format", "program"})
            if head["format"] != JOURNAL_FORMAT:
                raise Unreadable(f"format must be {JOURNAL_FORMAT!r}")
            program = self.checkpoint.said.get("program")
            if program is not None and head["program"] != program:
                raise Unreadable(
                    f"program must be {program!r}, as in the checkpoint, not {head['program']!r}"
                )
        except Unreadable as error:
            self.report.add("journal", f"line 1: {error}")

    def _take(self, number: int, row: dict[str, Any]) -> None:
        """One entry: everything about it that can be read is checked, so that each problem has its first row."""
        where = (
            f"line {number}, entry {row['entry_id']} (holder {row['holder_id']}, version {row['version']})"
        )
        covered = encoded(ENTRY_COLUMNS, row)
        stored = hex_bytes(32)(row["hash"])
        if not isinstance(row["postings"], list):
            raise Unreadable("postings must be an array")
        postings = [require_members(posting, {*POSTING_COLUMNS}) for posting in row["postings"]]
        covered += b"".join(encoded(POSTING_COLUMNS, posting) for posting in postings)
        self.entries += 1
        self.postings += len(postings)
        holder = self._holder(bytes.fromhex(row["holder_id"]), where)
        computed = sha256(ENTRY_FORMAT + holder.hash + covered).digest()
        if computed != stored:
            self.report.add("hash", f"{where}: hash must be {computed.hex()}, and is {stored.hex()}")
        holder.hash = stored
        self._check_version(holder, row, where)
        self._check_signed(holder, row, where)
        for ordinal, posting in enumerate(postings, 1):
            self._check_posting(holder, row, posting, ordinal, f"{where}, posting {posting['ordinal']}")
        for name in ("points", "held", "debt", "growth"):
            sum_, told = getattr(holder, name), row[f"{name}_after"]
            if sum_ != told or sum_ < 0:
                self.report.add("balances", f"{where}: {name}_after must be {sum_}, and is {told}")
                setattr(holder, name, told)

    def _holder(self, holder: bytes, where: str) -> Holder:
        """The holder of an entry, begun if it is not that of the entry before."""
        if self.present is not None and self.present.holder == holder:
            return self.present
        if self.present is not None and holder < self.present.holder:
            self.report.add("order", f"{where}: its holder must come before that of the entry above")
        self._end_holder()
        while self.next_leaf is not None and self.next_leaf.holder < holder:
            self._miss(self.next_leaf)
        leaf = None
        if self.next_leaf is not None and self.next_leaf.holder == holder:
            leaf, self.next_leaf = self.next_leaf, next(self.leaves, None)
        self.present = Holder(holder, leaf)
        self.holders += 1
        return self.present

    def _end_holder(self) -> None:
        """Ask whether the entries of a holder have come as far as was signed."""
        ended = self.present
        if ended is not None and ended.leaf is not None and ended.version < ended.leaf.version:
            self.report.add(
                "missing",
                f"holder {ended.holder.hex()}: versions {ended.version + 1} to {ended.leaf.version} are missing,"
                f" which line {ended.leaf.line} of the checkpoint has",
            )

    def _miss(self, leaf: Leaf) -> None:
        where = f"holder {leaf.holder.hex()}: versions 1 to {leaf.version} are missing"
        self.report.add("missing", f"{where}, which line {leaf.line} of the checkpoint has")
        self.next_leaf = next(self.leaves, None)

    def _check_version(self, holder: Holder, row: dict[str, Any], where: str) -> None:
        if row["version"] != holder.version + 1:
            self.report.add("versions", f"{where}: version must be {holder.version + 1}")
        recorded_at = microseconds(row["recorded_at"])
        if recorded_at < holder.recorded_at:
            self.report.add("times", f"{where}: recorded_at must not be before that of the entry above")
        holder.version, holder.recorded_at = row["version"], recorded_at

    def _check_signed(self, holder: Holder, row: dict[str, Any], where: str) -> None:
        """What was signed must be there, and what was not must be later."""
        leaf = holder.leaf
        if leaf is not None and row["version"] == leaf.version and row["hash"] != leaf.head.hex():
            signed = f"{leaf.head.hex()}, which line {leaf.line} of the checkpoint has"
            self.report.add("signed", f"{where}: hash must be {signed}, and is {row['hash']}")
        if row["version"] <= (leaf.version if leaf is not None else 0):
            return
        self.later += 1
        made_at = self.checkpoint.made_at
        if made_at is not None and holder.recorded_at < made_at - SLACK_MICROSECONDS:
            when = f"{row['recorded_at']}, and the checkpoint, made {self.checkpoint.said['made_at']}"
            self.report.add("backdated", f"{where}: recorded_at is {when}, does not have it")

    def _check_posting(
        self, holder: Holder, entry: dict[str, Any], posting: dict[str, Any], ordinal: int, where: str
    ) -> None:
        """A posting is of its entry, balances by having one amount, and moves only what there is."""
        for name, expected in (
            ("entry_id", entry["entry_id"]),
            ("holder_id", entry["holder_id"]),
            ("ordinal", ordinal),
        ):
            if posting[name] != expected:
                self.report.add("postings", f"{where}: {name} must be {expected}, and is {posting[name]}")
        debit, credit, amount = posting["debit"], posting["credit"], posting["amount"]
        if not 1 <= amount <= MAX_AMOUNT:
            self.report.add("postings", f"{where}: amount must be from 1 to {MAX_AMOUNT}, and is {amount}")
        if debit == credit or not is_of_one_unit(debit, credit, posting["unit"]):
            told = f"unit {posting['unit']} from account {debit} to account {credit}"
            self.report.add("postings", f"{where}: nothing moves in {told}")
        holder.points += amount * ((credit in (POINTS, FUND)) - (debit in (POINTS, FUND)))
        holder.held += amount * ((credit == HELD) - (debit == HELD))
        holder.debt += amount * ((debit == DEBT) - (credit == DEBT))
        holder.growth += amount * ((credit == GROWTH) - (debit == GROWTH))
        self._check_lot(holder, posting, where)

    def _check_lot(self, holder: Holder, posting: dict[str, Any], where: str) -> None:
        """A lot is opened once, with all that is ever in it, and drawn no further than to nothing."""
        debit, credit, amount = posting["debit"], posting["credit"], posting["amount"]
        moves_lot = bool(LOT_ACCOUNTS & {debit, credit})
        lot_id = posting["lot_id"]
        if moves_lot != (lot_id is not None):
            self.report.add("lots", f"{where}: lot_id must be {'given' if moves_lot else 'null'}")
        if lot_id is None:
            return
        is_opening = posting["available_at"] is not None
        if is_opening == (lot_id in holder.lots):
            opened = "must be opened once" if is_opening else "must be opened before"
            self.report.add("lots", f"{where}: lot {lot_id} {opened}")
        lot = holder.lots.setdefault(lot_id, [amount, 0, 0])
        lot[1] += amount * ((credit in (POINTS, GROWTH)) - (debit in (POINTS, GROWTH)))
        lot[2] += amount * ((credit == HELD) - (debit == HELD))
        original, remaining, held = lot
        if min(remaining, held) < 0 or remaining + held > original:
            told = f"{remaining} remain and {held} are held of {original}"
            self.report.add("lots", f"{where}: of lot {lot_id} {told}")


def is_of_one_unit(debit: int, credit: int, unit: int) -> bool:
    """Whether both accounts are kept in the unit, and points of members are not mixed with budgets or memos."""
    if unit in (1, 2):
        groups = ACCOUNTS_BY_UNIT["points" if unit == 1 else "growth"]
    else:
        groups = ACCOUNTS_BY_UNIT["money" if unit < 1_000 else "millionths"]
    return any({debit, credit} <= group for group in groups)


# --- The command ---


def verify(checkpoint: BinaryIO, journal: BinaryIO, public_key: bytes | None = None) -> tuple[Report, str]:
    """What is wrong, and in a sentence what was read."""
    report = Report()
    signed = Checkpoint(checkpoint, report, public_key)
    walked = Journal(journal, signed, report)
    walked.check()
    told = (
        f"{walked.entries:,} entries and {walked.postings:,} postings of {walked.holders:,} holders;"
        f" {walked.later:,} entries are later than the checkpoint"
    )
    return report, told


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description="Check an exported journal against a signed checkpoint.")
    parser.add_argument("checkpoint", help="a file of `ledger checkpoint`")
    parser.add_argument("journal", help="a file of `ledger export evidence`, written after it")
    parser.add_argument("--public-key", type=_key, help="64 hex digits: the key that must have signed it")
    given = parser.parse_args(arguments)
    try:
        with open(given.checkpoint, "rb") as checkpoint, open(given.journal, "rb") as journal:
            report, told = verify(checkpoint, journal, given.public_key)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    for line in report.lines():
        print(line)
    print(f"Read {told}.")
    if given.public_key is None:
        print("Whose key has signed the checkpoint was not asked: give --public-key.")
    print(
        "BROKEN: the journal is not what was signed."
        if report.firsts
        else "OK: the journal is what was signed."
    )
    return 1 if report.firsts else 0


def _key(given: str) -> bytes:
    try:
        return hex_bytes(32)(given.lower())
    except Unreadable as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
