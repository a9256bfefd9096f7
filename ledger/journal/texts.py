"""What callers say in words about an entry: kept beside it, so that it can be erased while the entry stays.

The entry's details, and so its hash, have a digest of the words and of 16 random bytes. Whoever has words and salt
can show that they are the ones that were written; once both are erased, the digest tells nothing.
"""

from collections.abc import Mapping
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final, NamedTuple

import orjson

DIGEST: Final = "texts"
"""The member of an entry's details that has the digest, in hex."""

_SALT_BYTES: Final = 16


class Sealed(NamedTuple):
    """Words as they are kept, and the digest of them."""

    salt: bytes
    texts: bytes
    digest: str


def seal_texts(texts: Mapping[str, Any]) -> Sealed:
    """The words under a salt of their own."""
    salt, kept = token_bytes(_SALT_BYTES), orjson.dumps(texts)
    return Sealed(salt, kept, sha256(salt + kept).hexdigest())


def with_texts(details: dict[str, Any] | None, texts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The details of an entry with its words, as long as they are there."""
    return {**(details or {}), **texts} if texts else details
