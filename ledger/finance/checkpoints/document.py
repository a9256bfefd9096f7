"""The document of a checkpoint: a statement of where every holder's chain ends, signed, and the leaves under its root.

A statement's bytes are elements as an entry's hash covers them: a 4-byte length and the value. The signature is over
these bytes, and their hash is what the next checkpoint of the program names as ``previous``. The file is NDJSON: the
statement with its signature, and then a leaf in each line, ``[holder_id, version, head]``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, Final, NamedTuple, Self

from ledger.clock import show
from ledger.ids import read as read_id
from ledger.ids import show as show_id

FORMAT: Final = "ledger checkpoint 1"
"""Names the encoding; a member added later comes with a new format."""

PREFIX: Final = "chk"
SLACK: Final = timedelta(minutes=15)
"""How much older than a checkpoint a later entry may be: longer than any posting takes, its retries included, and
than the clocks of machines may differ."""

HASH_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
INT8_MAX: Final = 2**63 - 1

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LEAF: Final = Struct(">16sq32s").pack
_MEMBERS: Final = (
    "format",
    "program",
    "checkpoint_id",
    "number",
    "made_at",
    "holders",
    "entries",
    "root",
    "previous",
    "public_key",
    "signature",
)


class UnreadableCheckpoint(ValueError):
    """A line is not what a checkpoint's file has there; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class Leaf(NamedTuple):
    """Where the chain of a holder ends: the number and the hash of its last entry."""

    holder_id: bytes
    version: int
    head: bytes

    def encoded(self) -> bytes:
        """The 56 bytes of the leaf: they have one length, so none needs to be said."""
        return _LEAF(*self)

    def line(self) -> str:
        """The leaf as the file has it."""
        return f'["{self.holder_id.hex()}",{self.version},"{self.head.hex()}"]\n'


@dataclass(frozen=True, slots=True)
class Statement:
    """What a checkpoint says, and the signature is over."""

    program: str
    checkpoint_id: bytes
    number: int
    """1 for the first of the program, without gaps."""
    made_at: datetime
    holders: int
    """How many leaves there are: holders that have entries."""
    entries: int
    """How many entries these holders have."""
    root: bytes
    previous: bytes | None
    """The digest of the statement before; None for the first."""
    public_key: bytes

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        since = self.made_at - _EPOCH
        numbers = (
            self.number,
            (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,
            self.holders,
            self.entries,
        )
        values = (
            self.program.encode(),
            self.checkpoint_id,
            *(number.to_bytes(8, "big", signed=True) for number in numbers),
            self.root,
            self.previous,
            self.public_key,
        )
        return FORMAT.encode() + b"\0" + b"".join(map(_element, values))

    def digest(self) -> bytes:
        """What the next statement names as ``previous``."""
        return sha256(self.encoded()).digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement."""

    statement: Statement
    signature: bytes

    def shown(self) -> dict[str, Any]:
        """The checkpoint as answers and files show it."""
        said = self.statement
        return {
            "format": FORMAT,
            "program": said.program,
            "checkpoint_id": show_id(PREFIX, said.checkpoint_id),
            "number": said.number,
            "made_at": show(said.made_at),
            "holders": said.holders,
            "entries": said.entries,
            "root": said.root.hex(),
            "previous": said.previous and said.previous.hex(),
            "public_key": said.public_key.hex(),
            "signature": self.signature.hex(),
        }

    def line(self) -> str:
        """The first line of the file."""
        return json.dumps(self.shown(), ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def read(cls, shown: Mapping[str, Any]) -> Self:
        """The checkpoint that is shown so; ValueError naming the member that cannot be one's."""
        if set(shown) != set(_MEMBERS):
            raise ValueError(f"must have the members {', '.join(_MEMBERS)}, and no others")
        if shown["format"] != FORMAT:
            raise ValueError(f"format must be {FORMAT!r}")
        statement = Statement(
            _text(shown, "program"),
            _identifier(shown),
            _count(shown, "number"),
            _instant(shown),
            _count(shown, "holders"),
            _count(shown, "entries"),
            _bytes(shown, "root", HASH_BYTES),
            None if shown["previous"] is None else _bytes(shown, "previous", HASH_BYTES),
            _bytes(shown, "public_key", HASH_BYTES),
        )
        return cls(statement, _bytes(shown, "signature", SIGNATURE_BYTES))


def read_header(line: bytes) -> Checkpoint:
    """The checkpoint of a file's first line, or UnreadableCheckpoint."""
    try:
        shown = json.loads(line)
        if not isinstance(shown, dict):
            raise ValueError("must be an object")
        return Checkpoint.read(shown)
    except (ValueError, RecursionError) as error:
        raise UnreadableCheckpoint(1, str(error)) from None


def read_leaf(number: int, line: bytes) -> Leaf:
    """The leaf of a line; UnreadableCheckpoint where it is not spelled as ``Leaf.line`` spells one."""
    try:
        holder, version, head = json.loads(line)
        leaf = Leaf(bytes.fromhex(holder), version, bytes.fromhex(head))
        # Spelled back, so that no two files say the same.
        is_one = len(leaf.holder_id) == 16 and len(leaf.head) == HASH_BYTES and leaf.line() == line.decode()
    except (ValueError, TypeError, RecursionError):
        is_one = False
    if not is_one or not 0 < version <= INT8_MAX:
        raise UnreadableCheckpoint(number, 'must be ["32 hex digits",version,"64 hex digits"]')
    return leaf


def _element(value: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value


def _text(shown: Mapping[str, Any], name: str) -> str:
    value = shown[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value


def _identifier(shown: Mapping[str, Any]) -> bytes:
    identifier = read_id(PREFIX, _text(shown, "checkpoint_id"))
    if identifier is None:
        raise ValueError(f"checkpoint_id must be {PREFIX}_ and 32 hex digits")
    return identifier


def _count(shown: Mapping[str, Any], name: str) -> int:
    value = shown[name]
    if type(value) is not int or not 0 <= value <= INT8_MAX:
        raise ValueError(f"{name} must be a whole number")
    return value


def _instant(shown: Mapping[str, Any]) -> datetime:
    text = _text(shown, "made_at")
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
        is_one = show(instant) == text
    except (ValueError, OverflowError):
        is_one = False
    if not is_one:
        raise ValueError("made_at must be a time in UTC with microseconds and Z")
    return instant


def _bytes(shown: Mapping[str, Any], name: str, length: int) -> bytes:
    text = _text(shown, name)
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != length or value.hex() != text:
        raise ValueError(f"{name} must be {2 * length} hex digits")
    return value
