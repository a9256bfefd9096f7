"""The shapes of checkpoints."""

from marshmallow import fields

from ledger.accounts.schemas import PageQuery
from ledger.finance.checkpoints.document import FORMAT, HASH_BYTES, SIGNATURE_BYTES
from ledger.http.fields import Answer, Choice, Instant, Integer, LedgerId, Pattern, Strict
from ledger.money import MAX_AMOUNT


class HashText(Pattern):
    """A hash, or a public key, as hex digits."""

    pattern = f"[0-9a-f]{{{2 * HASH_BYTES}}}"
    must = f"must be {2 * HASH_BYTES} hex digits"


class SignatureText(Pattern):
    """A signature as hex digits."""

    pattern = f"[0-9a-f]{{{2 * SIGNATURE_BYTES}}}"
    must = f"must be {2 * SIGNATURE_BYTES} hex digits"


class CheckpointsQuery(PageQuery):
    """A page of the checkpoints."""


class CheckpointQuery(Strict):
    """One checkpoint."""

    checkpoint_id = LedgerId("chk", required=True)


class CheckpointSchema(Answer):
    """A signed statement: the first line of a checkpoint's file."""

    format = Choice([FORMAT], required=True)
    program = fields.String(required=True)
    checkpoint_id = LedgerId("chk", required=True)
    number = Integer(1, MAX_AMOUNT, "1 for the program's first, without gaps", required=True)
    made_at = Instant(required=True)
    holders = Integer(0, MAX_AMOUNT, "Members, funds and others that have entries", required=True)
    entries = Integer(0, MAX_AMOUNT, "Entries that they have", required=True)
    root = HashText("Of the Merkle tree over the holders' last hashes (RFC 6962)", required=True)
    previous = HashText("Hash of the statement before; null for the first", required=True, allow_none=True)
    public_key = HashText("Ed25519, 32 bytes", required=True)
    signature = SignatureText("Ed25519 over the statement", required=True)
