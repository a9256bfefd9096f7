"""Member tokens: JWTs by which a client app reads what is one member's own, and the keys that sign them.

The ledger makes no token. An identity service of the retailer does, and ``LEDGER_MEMBER_KEYS_FILE`` names the keys that
it is believed by: a file of JWKs (RFC 7517), with the program, issuer and audience that they are for. Each key has one
algorithm, and whatever a token says of its own key (``jku``, ``x5u``, ``jwk``) is nothing to us (RFC 8725).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ledger.access.claims import Claims, unbelieved
from ledger.config import ConfigurationError
from ledger.secret_files import read_secret_file

ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "HS256": ("oct", None),
    "HS384": ("oct", None),
    "HS512": ("oct", None),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What may sign a token, with the type and the curve of its key."""

LEAST_SECRET: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Bytes: as many as the digest has (RFC 7518, 3.2)."""

LEAST_DISTINCT: Final = 16
"""Distinct bytes of a shared secret. A random one of 32 has about 30; a phrase often has fewer than these."""

RSA_BITS: Final = 3_072
"""Of an RSA key at least: as strong as 128 bits, which every other key here is (NIST SP 800-57, part 1, table 2)."""

LEAST_RSA_BITS: Final = 2_048
"""As few as an issuer's ``rsa_bits`` may ask for, whose identity service has no other: as strong as 112."""

TYPE: Final = "at+jwt"
"""The type of an access token (RFC 9068), unless its issuer says another: no other JWT of his is taken for one."""

SKEW: Final = timedelta(seconds=30)
"""By how much another machine's clock may be ahead, where a token says from when it counts."""

_CLAIMS: Final = ("exp", "aud", "iss", "sub")
_NEEDED: Final = frozenset({"program", "issuer", "audience", "keys"})
_OPTIONAL: Final = frozenset({"type", "rsa_bits"})


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues tokens for the members of a program, and how they must be addressed."""

    program: str
    issuer: str
    audience: str
    type: str
    rsa_bits: int


class _Trusted(NamedTuple):
    issuer: Issuer
    algorithm: str
    key: jwt.PyJWK


class MemberKeys:
    """The trusted keys, by id. The file is read again when it changes, so keys come and go under way."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError for a file that cannot be meant."""
        self._path = path
        # Told first: what is written while it is read makes another state.
        self._state = _state_of(path)
        self._keys = _read(path)

    def verify(self, token: str, now: datetime) -> Claims:
        """What a token says; Unauthenticated, with one answer whatever is wrong with it.

        ``now`` is the system's time: a program's test clock ages no token.
        """
        try:
            header = jwt.get_unverified_header(token)
            trusted = self._trusted(header)
            claims = jwt.decode(
                token,
                trusted.key,
                algorithms=[trusted.algorithm],
                audience=trusted.issuer.audience,
                issuer=trusted.issuer.issuer,
                # The times are looked at below, by the clock that is given.
                options={
                    "require": list(_CLAIMS),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            return _claims(trusted.issuer, header["kid"], claims, now)
        except (jwt.PyJWTError, _Unsound, ValueError, OverflowError, RecursionError):
            raise unbelieved() from None

    def _trusted(self, header: Mapping[str, Any]) -> _Trusted:
        self._refresh()
        kid, kind = header.get("kid"), header.get("typ")
        trusted = self._keys.get(kid) if isinstance(kid, str) else None
        if trusted is None or header.get("alg") != trusted.algorithm or "crit" in header:
            raise _Unsound
        if not isinstance(kind, str) or _plain(kind) != _plain(trusted.issuer.type):
            raise _Unsound
        return trusted

    def _refresh(self) -> None:
        """Read the file again where it has changed. One that is gone or cannot be meant is trusted no more."""
        state = _state_of(self._path)
        if state != self._state:
            try:
                keys = _read(self._path)
            except ConfigurationError:
                keys = {}
            self._keys, self._state = keys, state


class _Unsound(Exception):
    """A token that is not to be believed."""


def _claims(issuer: Issuer, kid: str, claims: Mapping[str, Any], now: datetime) -> Claims:
    subject = claims["sub"]
    expires_at = _moment(claims["exp"])
    begins = max((_moment(claims[name]) for name in ("nbf", "iat") if name in claims), default=now)
    if not subject or expires_at <= now or begins > now + SKEW:
        raise _Unsound
    return Claims(issuer.program, subject, expires_at, kid)


def _moment(seconds: object) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise _Unsound
    return datetime.fromtimestamp(seconds, UTC)


def _plain(kind: str) -> str:
    return kind.lower().removeprefix("application/")


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> Mapping[str, _Trusted]:
    text = read_secret_file(path, "keys of members")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # The error itself would quote what stands in the file.
        raise ConfigurationError(f"{path} is no JSON: line {error.lineno}, column {error.colno}.") from None
    try:
        found: dict[str, _Trusted] = {}
        for kid, trusted in _issued(document):
            if kid in found:
                raise _unfit(f"key {kid!r}", "has the id of another; ids are unique in the file")
            found[kid] = trusted
        return found
    except _Unfit as error:
        raise ConfigurationError(f"{path}: {error}.") from None


class _Unfit(Exception):
    pass


def _unfit(what: str, why: str) -> _Unfit:
    return _Unfit(f"{what} {why}")


def _issued(document: Any) -> Iterator[tuple[str, _Trusted]]:
    if (
        not isinstance(document, dict)
        or document.keys() != {"issuers"}
        or not isinstance(document["issuers"], list)
    ):
        raise _unfit("the file", 'must be {"issuers": [...]}')
    for number, each in enumerate(document["issuers"], 1):
        what = f"issuer {number}"
        if not isinstance(each, dict) or each.keys() - _OPTIONAL != _NEEDED:
            raise _unfit(
                what, f"must have {', '.join(sorted(_NEEDED))}, and may have {', '.join(sorted(_OPTIONAL))}"
            )
        texts = [each["program"], each["issuer"], each["audience"], each.get("type", TYPE)]
        if not all(isinstance(text, str) and text for text in texts):
            raise _unfit(what, "must have texts for program, issuer, audience and type")
        rsa_bits = each.get("rsa_bits", RSA_BITS)
        if type(rsa_bits) is not int or rsa_bits < LEAST_RSA_BITS:
            raise _unfit(what, f"must have {LEAST_RSA_BITS} or more for rsa_bits")
        if not isinstance(each["keys"], list) or not each["keys"]:
            raise _unfit(what, "must have a list of keys")
        program, name, audience, kind = texts
        for key in each["keys"]:
            yield _key(key, Issuer(program, name, audience, kind, rsa_bits), what)


def _key(given: Any, issuer: Issuer, where: str) -> tuple[str, _Trusted]:
    kid = given.get("kid") if isinstance(given, dict) else None
    if not isinstance(kid, str) or not kid:
        raise _unfit(where, "has a key without kid")
    what, algorithm = f"key {kid!r}", given.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _unfit(what, f"must have one alg of {', '.join(ALGORITHMS)}")
    kind, curve = ALGORITHMS[algorithm]
    if given.get("kty") != kind or (curve is not None and given.get("crv") != curve):
        raise _unfit(what, f"must be of type {kind} {curve or ''}".rstrip() + f" for {algorithm}")
    try:
        # A private key would sign as well as verify: what only verifies has no use for it.
        key = jwt.PyJWK({name: value for name, value in given.items() if name != "d"}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise _unfit(what, "cannot be read as a JWK") from None
    _require_strength(what, algorithm, key.key, issuer.rsa_bits)
    return kid, _Trusted(issuer, algorithm, key)


def _require_strength(what: str, algorithm: str, key: object, rsa_bits: int) -> None:
    if isinstance(key, bytes):
        if len(key) < LEAST_SECRET[algorithm] or len(set(key)) < LEAST_DISTINCT:
            raise _unfit(what, f"must be {LEAST_SECRET[algorithm]} random bytes at least")
    elif isinstance(key, RSAPublicKey) and key.key_size < rsa_bits:
        raise _unfit(what, f"must have {rsa_bits} bits at least; the issuer's rsa_bits may ask for fewer")
