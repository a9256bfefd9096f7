"""The signing key: only its owner may read it, it is made once, and nothing tells what is in it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ledger.config import ConfigurationError, Settings
from ledger.finance.checkpoints.signing import (
    FILE_NAME,
    find_signer,
    read_public_key,
    read_signer,
    require_signer,
)
from tests.finance.signing import signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def pem(key: Ed25519PrivateKey = KEY, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def laid(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_key_of_the_setting_signs(tmp_path: Path) -> None:
    path = laid(tmp_path / "key.pem", pem())
    given = Settings(database_url="postgresql://db.example/ledger", signing_key_file=path)
    found = require_signer(given)
    assert found.public_key == signer().public_key
    KEY.public_key().verify(found.sign(b"books"), b"books")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o601, 0o660, 0o777])
def test_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = laid(tmp_path / "key.pem", pem(), mode)
    with pytest.raises(ConfigurationError, match=r"can be read by others: chmod 600"):
        read_signer(path)


def test_key_that_root_has_laid_down_may_be_read_by_its_group_and_no_other_may(tmp_path: Path) -> None:
    path = laid(tmp_path / "key.pem", pem(), 0o640)
    if path.stat().st_uid == 0:
        assert read_signer(path).public_key == signer().public_key
        os.chown(path, 12_345, 12_345)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        read_signer(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no private key in PEM"),
        (b"not a key", "holds no private key in PEM"),
        (
            pem(encryption=BestAvailableEncryption(b"secret")),
            "holds no private key in PEM without a passphrase",
        ),
        (
            generate_private_key(SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "is not an Ed25519 key",
        ),
    ],
    ids=["empty", "text", "encrypted", "another curve"],
)
def test_file_that_is_no_such_key_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read_signer(laid(tmp_path / "key.pem", content))
    assert caught.value.__cause__ is None


def test_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read from .*key\.pem: No such file"):
        require_signer(Settings(signing_key_file=tmp_path / "key.pem"))


def test_database_of_ones_own_needs_the_setting(tmp_path: Path) -> None:
    given = Settings(database_url="postgresql://db.example/ledger", data_dir=tmp_path)
    assert find_signer(given) is None
    with pytest.raises(ConfigurationError, match="LEDGER_SIGNING_KEY_FILE must name the file"):
        require_signer(given)
    assert list(tmp_path.iterdir()) == []


def test_embedded_database_gets_a_key_that_only_its_owner_may_read(tmp_path: Path) -> None:
    given = Settings(data_dir=tmp_path)
    first = require_signer(given)
    path = tmp_path / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert require_signer(given).public_key == first.public_key
    assert list(tmp_path.iterdir()) == [path]


def test_all_who_need_a_first_key_at_once_get_the_same(tmp_path: Path) -> None:
    start = Barrier(8)

    def find() -> bytes:
        start.wait()
        return require_signer(Settings(data_dir=tmp_path)).public_key

    with ThreadPoolExecutor(8) as pool:
        found = {each.result() for each in [pool.submit(find) for _ in range(8)]}
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_signer_shows_nothing_of_its_key() -> None:
    assert pem().decode() not in repr(signer())
    assert bytes(32).hex() not in repr(signer())


def test_public_key_is_read_as_hex_from_a_file_of_hex_and_from_pem(tmp_path: Path) -> None:
    public = signer().public_key
    as_pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hex_file = laid(tmp_path / "key.hex", public.hex().encode() + b"\n")
    pem_file = laid(tmp_path / "key.pem", as_pem)
    for given in (public.hex(), public.hex().upper(), f" {public.hex()}\n", str(hex_file), str(pem_file)):
        assert read_public_key(given) == public


@pytest.mark.parametrize(
    ("given", "told"), [("nowhere", "neither 64 hex digits nor a file"), ("ab" * 31, "neither 64 hex digits")]
)
def test_what_is_no_public_key_is_refused(given: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_public_key(given)


def test_file_without_a_public_key_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"-----BEGIN PUBLIC KEY-----\n", pem(), b"\xff"):
        with pytest.raises(ValueError, match="key"):
            read_public_key(str(laid(tmp_path / "key.pem", content)))
