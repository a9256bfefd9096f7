"""The key that checkpoints are signed with: Ed25519 (RFC 8032), in a file that nobody else may read.

The file is the operator's (LEDGER_SIGNING_KEY_FILE). With embedded PostgreSQL and no such setting it lies in the data
folder, and is made when it is first needed.
"""

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ledger.config import ConfigurationError, Settings
from ledger.finance.checkpoints.document import Checkpoint
from ledger.secret_files import read_secret_file

FILE_NAME: Final = "signing-key.pem"
_IS_HEX: Final = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_SETTING: Final = "LEDGER_SIGNING_KEY_FILE"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one private key, which leaves this object in no form."""

    _key: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """The 32 bytes by which others check what it has signed."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message)


def find_signer(settings: Settings) -> Signer | None:
    """The signer of the settings, made with embedded PostgreSQL; None where the operator has named no key.

    ConfigurationError for a file that is no key, or that others may read.
    """
    if settings.signing_key_file is not None:
        return read_signer(settings.signing_key_file)
    if settings.database_url is not None:
        return None
    path = settings.data_dir / FILE_NAME
    if not settings.data_dir.is_dir():
        # No embedded server has ever run here.
        return None
    if not path.exists():
        _make_key(path)
    return read_signer(path)


def require_signer(settings: Settings) -> Signer:
    """The signer of the settings; ConfigurationError where there is none."""
    signer = find_signer(settings)
    if signer is None:
        raise ConfigurationError(
            f"{_SETTING} must name the file of the key that checkpoints are signed with."
        )
    return signer


def read_signer(path: Path) -> Signer:
    """The signer of a file: an Ed25519 key in PEM, PKCS #8, without a passphrase."""
    pem = read_secret_file(path, "signing key")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: what could not be read may be a key all the same.
        raise ConfigurationError(f"{path} holds no private key in PEM without a passphrase.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"The key in {path} is not an Ed25519 key.")
    return Signer(key)


def read_public_key(given: str) -> bytes:
    """The 32 bytes of a public key, given as hex, or as a file that holds the hex or the key in PEM; or ValueError."""
    text = given.strip()
    if not _IS_HEX(text):
        try:
            text = Path(given).read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            raise ValueError(f"{given} is neither 64 hex digits nor a file: {error.strerror}") from None
    if _IS_HEX(text):
        return bytes.fromhex(text)
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{given} holds neither 64 hex digits nor a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"the key in {given} is not an Ed25519 key")
    return key.public_bytes_raw()


def is_signed(checkpoint: Checkpoint) -> bool:
    """Whether the signature is by the key that the statement names. Whose key that is, is another question."""
    try:
        key = Ed25519PublicKey.from_public_bytes(checkpoint.statement.public_key)
        key.verify(checkpoint.signature, checkpoint.statement.encoded())
    except (InvalidSignature, ValueError):
        return False
    return True


def _make_key(path: Path) -> None:
    """Make a key; where another process is first, its key stays."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Written whole beside it and then linked, because nobody may ever read half a key. The file is born 0600.
    descriptor, beside = tempfile.mkstemp(prefix=f"{FILE_NAME}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        Path(beside).unlink()
