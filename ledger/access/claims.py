"""What a member's token says, whoever has read it."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from ledger.errors import Unauthenticated


class Claims(NamedTuple):
    """What a sound token says: whose it is, in which program, until when, and which key has signed it."""

    program: str
    member_id: str
    expires_at: datetime
    kid: str


class TokenKeys(Protocol):
    """Keys that tokens are believed by."""

    def verify(self, token: str, now: datetime) -> Claims:
        """What a token says; Unauthenticated, with one answer whatever is wrong with it."""


class NoKeys:
    """Nobody's keys: no token is believed."""

    def verify(self, _token: str, _now: datetime) -> Claims:
        raise unbelieved()


def find_token_keys(path: Path | None) -> TokenKeys:
    """The keys of a file, or none. Raises ConfigurationError for a file that cannot be meant."""
    if path is None:
        return NoKeys()
    # PyJWT loads Python's ssl, which a worker makes cooperative before it makes its application.
    from ledger.access.member_keys import MemberKeys  # noqa: PLC0415

    return MemberKeys(path)


def unbelieved() -> Unauthenticated:
    """The refusal of a token."""
    return Unauthenticated("send a valid member token as Authorization: Bearer TOKEN")


def is_token(credential: str) -> bool:
    """Whether what a caller presents has the form of a JWT; no API key has."""
    return credential.count(".") == 2
