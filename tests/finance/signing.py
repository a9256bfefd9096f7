"""Signers of the tests: their keys follow from a number, so that everybody can have them."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.finance.checkpoints.document import Checkpoint
from ledger.finance.checkpoints.export import lines_of
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


def checkpoint_file(till: Till, number: int = 0) -> bytes:
    """A new checkpoint with its leaves, as ``ledger checkpoint`` writes it."""
    leaves: list[str] = []
    now = till.now
    made = till.database.run(
        lambda connection: make_checkpoint(
            connection, till.program, signer(number), now, lambda leaf: leaves.append(leaf.line())
        )
    )
    return "".join((made.line(), *leaves)).encode()


def journal_file(till: Till) -> bytes:
    """The journal of the till's program, as ``ledger export evidence`` writes it."""
    with till.reading() as connection:
        return "".join(lines_of(connection, till.program)).encode()
