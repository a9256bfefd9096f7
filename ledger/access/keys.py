"""API keys: ``lk_<id>_<secret><checksum>``, shown once, stored as a digest.

The secret holds 256 bits. The checksum lets a mistyped or truncated key be told from a wrong one without
asking the database, and lets scanners of source code recognise a leaked key.
"""

import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = _DIGITS + _DIGITS[10:].upper()
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
"""Characters of base 62 that 256 bits need."""
_CHECKSUM_LENGTH: Final = 6

_FORM: Final = re.compile(
    rf"lk_([0-9a-z]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}"
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that nobody knows yet. ``token`` is shown once and then forgotten."""

    key_id: str
    token: str

    def __repr__(self) -> str:
        return f"NewKey({self.key_id})"


def new_key() -> NewKey:
    """A fresh random key."""
    key_id = "".join(secrets.choice(_DIGITS) for _ in range(_ID_LENGTH))
    secret = _base62(secrets.randbits(256), _SECRET_LENGTH)
    return NewKey(key_id, _with_checksum(f"lk_{key_id}_{secret}"))


def key_id_of(token: str) -> str | None:
    """The id in a key whose form and checksum are right; None for anything else."""
    form = _FORM.fullmatch(token)
    if not form or not hmac.compare_digest(token, _with_checksum(token[:-_CHECKSUM_LENGTH])):
        return None
    return form[1]


def digest_of(token: str) -> bytes:
    """What is stored of a key."""
    return sha256(token.encode("ascii")).digest()


def _with_checksum(body: str) -> str:
    return body + _base62(zlib.crc32(body.encode("ascii")), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_LETTERS[digit])
    return "".join(reversed(digits))
