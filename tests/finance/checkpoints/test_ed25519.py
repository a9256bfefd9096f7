"""The stranger's own Ed25519 accepts what RFC 8032 and ``cryptography`` accept, and nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.verify_journal import BASE, ORDER, PRIME, is_signature, plus, point_of, times

# RFC 8032, section 7.1, tests 1 to 3: secret key, public key, message, signature.
VECTORS = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595"
        "bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb43"
        "02aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716"
        "ed28dc027beceea1ec40a",
    ),
)

quickly = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("vector", VECTORS)
def test_signatures_of_the_standard_are_accepted(vector: tuple[str, str, str, str]) -> None:
    secret, public, message, signature = map(bytes.fromhex, vector)
    key = Ed25519PrivateKey.from_private_bytes(secret)
    assert (key.public_key().public_bytes_raw(), key.sign(message)) == (public, signature)
    assert is_signature(public, message, signature)


@quickly
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_whatever_cryptography_signs_is_accepted(secret: bytes, message: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    assert is_signature(key.public_key().public_bytes_raw(), message, key.sign(message))


@quickly
@given(st.integers(0, 8 * (32 + 64 + 5) - 1))
def test_any_bit_of_key_message_or_signature_that_changes_is_refused(bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signed = bytearray(key.public_key().public_bytes_raw() + key.sign(b"books") + b"books")
    signed[bit // 8] ^= 1 << bit % 8
    assert not is_signature(bytes(signed[:32]), bytes(signed[96:]), bytes(signed[32:96]))


def test_second_form_of_a_signature_is_refused() -> None:
    # The same scalar plus the order of the group would verify too, if nobody looked.
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"books")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    again = signature[:32] + scalar.to_bytes(32, "little")
    assert not is_signature(key.public_key().public_bytes_raw(), b"books", again)


@pytest.mark.parametrize("length", [0, 31, 33, 63, 65])
def test_signature_of_another_length_is_refused(length: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = (key.sign(b"books") + b"\0")[:length]
    assert not is_signature(key.public_key().public_bytes_raw(), b"books", signature)


@pytest.mark.parametrize(
    "number",
    [PRIME, PRIME + 1, 2**255 - 1, 1 | 1 << 255, 2],
    ids=["p", "p + 1", "largest y", "x = 0 and odd", "no square"],
)
def test_what_encodes_no_point_is_refused(number: int) -> None:
    assert point_of(number.to_bytes(32, "little")) is None


def test_base_has_the_order_of_the_group() -> None:
    x, y, z, _ = times(ORDER, BASE)
    assert (x, (y - z) % PRIME) == (0, 0)
    x, y, z, _ = plus(times(ORDER - 1, BASE), BASE)
    assert (x, (y - z) % PRIME) == (0, 0)
