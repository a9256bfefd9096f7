"""Member tokens: what is believed, and everything that is not, by one and the same answer."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.access.claims import Claims, TokenKeys, find_token_keys
from ledger.access.member_keys import ALGORITHMS, MemberKeys
from ledger.config import ConfigurationError
from ledger.errors import Unauthenticated
from tests.member_tokens import AUDIENCE, Identity, jwk, private_key, rsa_key, seconds, secret, write_keys

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def identity() -> Identity:
    return Identity("shop", NOW)


@pytest.fixture
def trusted(identity: Identity, tmp_path: Path) -> MemberKeys:
    return MemberKeys(write_keys(tmp_path / "keys", identity.trusted()))


def refuses(trusted: TokenKeys, token: str, now: datetime = NOW) -> None:
    with pytest.raises(Unauthenticated) as caught:
        trusted.verify(token, now)
    assert str(caught.value) == "send a valid member token as Authorization: Bearer TOKEN"
    # Neither the token nor what is wrong with it.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert caught.value.details == {}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_a_trusted_key_says_whose_it_is(algorithm: str, tmp_path: Path) -> None:
    identity = Identity("shop", NOW, algorithm)
    trusted = MemberKeys(write_keys(tmp_path / "keys", identity.trusted()))
    claims = trusted.verify(identity.token("m-7"), NOW)
    assert claims == Claims("shop", "m-7", NOW + timedelta(minutes=10), "k-1")


@pytest.mark.parametrize("claim", ["exp", "aud", "iss", "sub"])
def test_a_token_without_a_claim_that_is_required_is_refused(
    trusted: MemberKeys, identity: Identity, claim: str
) -> None:
    refuses(trusted, raw(identity, **{claim: None}))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "another"),
        ("aud", ["another", "third"]),
        ("aud", ""),
        ("iss", "https://id.other.example"),
        ("iss", "https://id.shop.example/"),
        ("sub", ""),
        ("exp", seconds(NOW)),
        ("exp", seconds(NOW) - 1),
        ("exp", 10**30),
        ("exp", str(seconds(NOW) + 600)),
        ("exp", seconds(NOW) + 600.5),
        ("exp", True),
        ("nbf", seconds(NOW) + 31),
        ("iat", seconds(NOW) + 31),
        ("nbf", "soon"),
    ],
)
def test_a_claim_that_is_not_for_us_or_not_for_now_is_refused(
    trusted: MemberKeys, identity: Identity, claim: str, value: Any
) -> None:
    refuses(trusted, raw(identity, **{claim: value}))


def raw(identity: Identity, **changes: Any) -> str:
    """A token signed by the key, whatever it says; the library would not let us say everything."""
    header = {"alg": identity.algorithm, "kid": identity.kid, "typ": "at+jwt"}
    signed = f"{part(header)}.{part(identity.claims(**changes))}"
    signature = identity.key.sign(signed.encode())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_counts_from_when_it_says_give_or_take_a_clock(
    trusted: MemberKeys, identity: Identity
) -> None:
    trusted.verify(identity.token(nbf=seconds(NOW) + 30, iat=seconds(NOW) + 30), NOW)
    trusted.verify(identity.token(exp=seconds(NOW) + 1), NOW)
    trusted.verify(identity.token(aud=["others", AUDIENCE]), NOW)


@pytest.mark.parametrize("kind", [None, "JWT", "id+jwt", "at+jwts", 7])
def test_a_token_of_another_type_is_refused(trusted: MemberKeys, identity: Identity, kind: Any) -> None:
    header = {"alg": identity.algorithm, "kid": identity.kid, "typ": kind}
    signed = f"{part(header)}.{part(identity.claims())}"
    signature = base64.urlsafe_b64encode(identity.key.sign(signed.encode())).rstrip(b"=").decode()
    refuses(trusted, f"{signed}.{signature}")


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_spelled_as_a_media_type(trusted: MemberKeys, identity: Identity, kind: str) -> None:
    assert trusted.verify(identity.token(header={"typ": kind}), NOW).member_id == "m-1"


def test_an_issuer_may_name_another_type(identity: Identity, tmp_path: Path) -> None:
    trusted = MemberKeys(write_keys(tmp_path / "keys", identity.trusted(type="JWT")))
    assert trusted.verify(identity.token(header={"typ": "JWT"}), NOW).member_id == "m-1"
    refuses(trusted, identity.token())


@pytest.mark.parametrize("name", ["none", "None", "nOnE"])
def test_a_token_without_a_signature_is_refused(trusted: MemberKeys, identity: Identity, name: str) -> None:
    unsigned = f"{part({'alg': name, 'kid': 'k-1', 'typ': 'at+jwt'})}.{part(identity.claims())}."
    refuses(trusted, unsigned)


def test_a_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    identity = Identity("shop", NOW, "RS256")
    trusted = MemberKeys(write_keys(tmp_path / "keys", identity.trusted()))
    public = identity.key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for guessed in (pem, json.dumps(jwk(identity.key, "k-1", "RS256")).encode()):
        header = {"alg": "HS256", "kid": "k-1", "typ": "at+jwt"}
        signed = f"{part(header)}.{part(identity.claims())}"
        signature = jwt.get_algorithm_by_name("HS256").sign(signed.encode(), guessed)
        refuses(trusted, f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def test_a_key_signs_by_one_algorithm_alone(tmp_path: Path) -> None:
    identity = Identity("shop", NOW, "RS256")
    trusted = MemberKeys(write_keys(tmp_path / "keys", identity.trusted()))
    refuses(trusted, identity.token(algorithm="PS256"))
    refuses(trusted, identity.token(algorithm="RS512"))


def test_a_token_of_a_stranger_is_refused(trusted: MemberKeys, identity: Identity) -> None:
    refuses(trusted, identity.token(key=private_key("EdDSA")))
    refuses(trusted, identity.token(header={"kid": "k-2"}))
    refuses(trusted, identity.token(header={"kid": None}))


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c"])
def test_what_a_token_says_of_its_own_key_is_nothing_to_us(
    trusted: MemberKeys, identity: Identity, header: str
) -> None:
    own = private_key("EdDSA")
    brought = {
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/x",
        "x5c": ["MIIB"],
        "jwk": jwk(own, "k-1", "EdDSA"),
    }
    refuses(trusted, identity.token(key=own, header={header: brought[header]}))
    assert trusted.verify(identity.token(header={header: brought[header]}), NOW).member_id == "m-1"


def test_what_a_token_demands_and_we_do_not_know_is_refused(trusted: MemberKeys, identity: Identity) -> None:
    refuses(trusted, identity.token(header={"crit": ["b64"], "b64": True}))
    refuses(trusted, identity.token(header={"crit": ["exp"]}))


@pytest.mark.parametrize(
    "token",
    ["..", "a.b.c", "e30.e30.", "e30.e30.e30", ".e30.", "\u00e9.e30.e30", "e30.e30.e30=", "W10.W10.W10"],
)
def test_what_is_no_token_is_refused(trusted: MemberKeys, token: str) -> None:
    refuses(trusted, token)


def test_a_token_that_was_changed_is_refused(trusted: MemberKeys, identity: Identity) -> None:
    head, body, signature = identity.token("m-1").split(".")
    other = identity.token("m-2").split(".")
    refuses(trusted, f"{head}.{other[1]}.{signature}")
    refuses(trusted, f"{head}.{body}.{other[2]}")
    refuses(trusted, f"{head}.{body}.")


def test_a_key_speaks_for_its_own_issuer_and_program(tmp_path: Path) -> None:
    ours, theirs = Identity("shop", NOW), Identity("other", NOW, kid="k-2", issuer="https://id.other.example")
    trusted = MemberKeys(write_keys(tmp_path / "keys", ours.trusted(), theirs.trusted()))
    assert trusted.verify(theirs.token(), NOW).program == "other"
    refuses(trusted, theirs.token(iss=ours.issuer))
    refuses(trusted, theirs.token(header={"kid": "k-1"}))
    refuses(trusted, ours.token(header={"kid": "k-2"}))


def test_without_a_file_no_token_is_believed(identity: Identity) -> None:
    refuses(find_token_keys(None), identity.token())


def test_keys_come_and_go_with_the_file(identity: Identity, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys", identity.trusted())
    trusted = MemberKeys(path)
    fresh = Identity("shop", NOW, kid="k-2")
    both = identity.trusted(keys=[jwk(identity.key, "k-1", "EdDSA"), jwk(fresh.key, "k-2", "EdDSA")])
    write_keys(path, both)
    assert [trusted.verify(each.token(), NOW).kid for each in (identity, fresh)] == ["k-1", "k-2"]
    write_keys(path, fresh.trusted())
    refuses(trusted, identity.token())
    assert trusted.verify(fresh.token(), NOW).kid == "k-2"
    # A file that cannot be meant, or is gone, is trusted no more; a sound one is again.
    path.write_text("{}", encoding="utf-8")
    refuses(trusted, fresh.token())
    path.unlink()
    refuses(trusted, fresh.token())
    write_keys(path, fresh.trusted())
    assert trusted.verify(fresh.token(), NOW).kid == "k-2"


PRIVATE = {**jwk(rsa_key(), "k", "RS256")}
UNFIT: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "is no JSON"),
    "no issuers": ({}, "must be"),
    "a list": ([], "must be"),
    "an issuer without a program": (
        {"issuers": [{"issuer": "i", "audience": "a", "keys": [{}]}]},
        "must have",
    ),
    "an issuer without keys": (
        {"issuers": [{"program": "p", "issuer": "i", "audience": "a", "keys": []}]},
        "must have a list of keys",
    ),
    "an issuer without a name": (
        {"issuers": [{"program": "p", "issuer": "", "audience": "a", "keys": [PRIVATE]}]},
        "must have texts",
    ),
}
UNFIT_KEYS: dict[str, tuple[Any, str]] = {
    "no object": (7, "without kid"),
    "no kid": ({"kty": "oct", "alg": "HS256"}, "without kid"),
    "no algorithm": ({**jwk(secret(), "k", "HS256"), "alg": None}, "must have one alg"),
    "no signature": ({**jwk(secret(), "k", "HS256"), "alg": "none"}, "must have one alg"),
    "two algorithms": ({**jwk(secret(), "k", "HS256"), "alg": ["HS256", "RS256"]}, "must have one alg"),
    "an algorithm of another kind": ({**jwk(secret(), "k", "HS256"), "alg": "RS256"}, "must be of type RSA"),
    "another curve": ({**jwk(private_key("ES384"), "k", "ES384"), "alg": "ES256"}, "P-256 for ES256"),
    "a short secret": (jwk(secret(31), "k", "HS256"), "must be 32 random bytes"),
    "a secret too short for its digest": (jwk(secret(63), "k", "HS512"), "must be 64 random bytes"),
    "a default secret": (jwk(b"secret" * 8, "k", "HS256"), "must be 32 random bytes"),
    "a short RSA key": (jwk(rsa_key(2_048), "k", "RS256"), "must have 3072 bits"),
    "a half": ({"kty": "RSA", "n": "AQAB", "kid": "k", "alg": "RS256"}, "cannot be read"),
}


@pytest.mark.parametrize(
    ("rsa_bits", "bits", "why"),
    [
        (2_048, 1_024, "must have 2048 bits"),
        (4_096, 3_072, "must have 4096 bits"),
        (2_047, 2_048, "2048 or more for rsa_bits"),
        (True, 3_072, "2048 or more for rsa_bits"),
        ("2048", 3_072, "2048 or more for rsa_bits"),
    ],
)
def test_an_rsa_key_has_the_bits_that_its_issuer_must_have(
    identity: Identity, tmp_path: Path, rsa_bits: Any, bits: int, why: str
) -> None:
    keys = [jwk(rsa_key(bits), "k", "RS256")]
    with pytest.raises(ConfigurationError, match=why):
        MemberKeys(write_keys(tmp_path / "keys", identity.trusted(keys=keys, rsa_bits=rsa_bits)))


def test_an_issuer_may_be_believed_by_2048_bits_where_it_is_said_so(tmp_path: Path) -> None:
    identity = Identity("shop", NOW, "RS256", key=rsa_key(2_048))
    trusted = MemberKeys(write_keys(tmp_path / "keys", identity.trusted(rsa_bits=2_048)))
    assert trusted.verify(identity.token(), NOW).kid == identity.kid


@pytest.mark.parametrize("what", UNFIT)
def test_a_file_that_cannot_be_meant_is_refused(what: str, tmp_path: Path) -> None:
    said, why = UNFIT[what]
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=why):
        MemberKeys(path)


@pytest.mark.parametrize("what", UNFIT_KEYS)
def test_a_key_that_cannot_be_meant_is_refused_and_not_quoted(
    what: str, identity: Identity, tmp_path: Path
) -> None:
    key, why = UNFIT_KEYS[what]
    path = write_keys(tmp_path / "keys", identity.trusted(keys=[key]))
    with pytest.raises(ConfigurationError, match=why) as caught:
        MemberKeys(path)
    told = str(caught.value)
    assert not isinstance(key, dict) or key.get("k", "nothing of it") not in told


def test_two_keys_of_one_id_are_refused(identity: Identity, tmp_path: Path) -> None:
    other = Identity("other", NOW, issuer="https://id.other.example")
    path = write_keys(tmp_path / "keys", identity.trusted(), other.trusted())
    with pytest.raises(ConfigurationError, match="has the id of another"):
        MemberKeys(path)


def test_a_file_that_others_can_read_is_refused(identity: Identity, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys", identity.trusted())
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        MemberKeys(path)


def test_a_file_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        MemberKeys(tmp_path / "nowhere")
