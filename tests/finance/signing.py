"""Signers of the tests: their keys follow from a number, so that everybody can have them."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.finance.checkpoints.document import Checkpoint
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.finance.checkpoints.signing import Signer
from tests.till import Till


def signer(number: int = 0) -> Signer:
    """The signer of that number."""
    return Signer(Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")))


def checkpoint(till: Till, number: int = 0) -> Checkpoint:
    """A checkpoint of the till's program at the till's time, by the signer of that number."""
    now = till.now
    return till.database.run(
        lambda connection: make_checkpoint(connection, till.program, signer(number), now)
    )
