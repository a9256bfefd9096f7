"""An identity service of a test: keys of every kind, the file that trusts them, and tokens that they sign."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.shop.example"
AUDIENCE = "loyalty"
TYPE = "at+jwt"


@cache
def rsa_key(bits: int = 3_072, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key. They take long to make, so each is made once."""
    assert number >= 0
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def secret(length: int = 32, number: int = 0) -> bytes:
    """A shared secret: as many distinct bytes."""
    return bytes((7 * n + number) % 251 for n in range(length))


def private_key(algorithm: str, number: int = 0) -> Any:
    """A key that signs by the algorithm."""
    if algorithm.startswith("HS"):
        return secret(int(algorithm[2:]) // 8, number)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm])
    return rsa_key(number=number)


def jwk(key: Any, kid: str, algorithm: str) -> dict[str, Any]:
    """What verifies tokens of a key, as a JWK."""
    if isinstance(key, bytes):
        told = {"kty": "oct", "k": base64.urlsafe_b64encode(key).rstrip(b"=").decode()}
    else:
        kinds = {
            "R": RSAAlgorithm,
            "P": RSAAlgorithm,
            "E": OKPAlgorithm if algorithm == "EdDSA" else ECAlgorithm,
        }
        told = json.loads(kinds[algorithm[0]].to_jwk(key.public_key()))
    return {**told, "kid": kid, "alg": algorithm}


@dataclass
class Identity:
    """An issuer whom a program trusts by one key; what it signs is sound unless told otherwise."""

    program: str
    now: datetime
    algorithm: str = "EdDSA"
    kid: str = "k-1"
    issuer: str = ISSUER
    audience: str = AUDIENCE
    key: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.key = self.key or private_key(self.algorithm)

    def trusted(self, **changes: Any) -> dict[str, Any]:
        """What the file says of this issuer."""
        keys = [jwk(self.key, self.kid, self.algorithm)]
        said = {"program": self.program, "issuer": self.issuer, "audience": self.audience, "keys": keys}
        return {name: value for name, value in {**said, **changes}.items() if value is not None}

    def claims(self, member_id: str = "m-1", **changes: Any) -> dict[str, Any]:
        """The claims of a sound token; None takes one out."""
        said = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": member_id,
            "iat": seconds(self.now),
            "exp": seconds(self.now + timedelta(minutes=10)),
        }
        return {name: value for name, value in {**said, **changes}.items() if value is not None}

    def token(
        self,
        member_id: str = "m-1",
        *,
        header: dict[str, Any] | None = None,
        key: Any = None,
        algorithm: str | None = None,
        **changes: Any,
    ) -> str:
        """A token for a member, with other claims, another header or another signature where they are given."""
        said = {"kid": self.kid, "typ": TYPE, **(header or {})}
        return jwt.encode(
            self.claims(member_id, **changes),
            self.key if key is None else key,
            algorithm=algorithm or self.algorithm,
            headers={name: value for name, value in said.items() if value is not None or name == "typ"},
        )


def seconds(instant: datetime) -> int:
    """A time as tokens tell it."""
    return int(instant.timestamp())


def write_keys(path: Path, *issuers: dict[str, Any]) -> Path:
    """The file that trusts these issuers, readable by nobody else."""
    path.touch(mode=0o600)
    path.write_text(json.dumps({"issuers": issuers}), encoding="utf-8")
    return path
