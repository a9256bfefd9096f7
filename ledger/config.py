"""The settings of one process: environment variables with the prefix LEDGER_, read once, checked, frozen.

A value that cannot be meant is refused with the name of its variable. An empty variable counts as unset.
Addresses of databases may hold passwords, so they appear neither in `repr` nor in an error.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

PREFIX: Final = "LEDGER_"
_SCHEMES: Final = ("postgresql", "postgresql+psycopg")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOG_FORMATS: Final = ("text", "json")
_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")
_VERIFIED: Final = "verify-full"
_CERTIFIED: Final = "certificate"
_USUAL: Final = re.compile(
    "abcdef|changeme|change|example|default|password|passwort|passwd|secret|token|metrics|ledger|loyalty|postgres|admin"
    "|root|test|dev|prod|production|local|qwerty|letmein|prometheus|0123456789|123456|1234|000|111"
)
_LEAST_LETTERS: Final = 6
"""Different letters of a secret, and letters that no usual word explains. Fewer can be guessed."""

Setting = TypeVar("Setting")


class ConfigurationError(ValueError):
    """A setting cannot be meant; the message names its variable and says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator decides. Times are milliseconds."""

    database_url: str | None = field(default=None, repr=False)
    """LEDGER_DATABASE_URL: where the application connects; without it, embedded PostgreSQL in `data_dir`."""

    owner_database_url: str | None = field(default=None, repr=False)
    """LEDGER_OWNER_DATABASE_URL: where migrations connect, as the owner; by default `database_url`."""

    database_tls: str | None = None
    """LEDGER_DATABASE_TLS: `verify-full` demands that the database proves who it is, `certificate` that the service
    does so as well, by a certificate and not by a password; without it as the address says."""

    data_dir: Path = Path("ledger-data")
    """LEDGER_DATA_DIR: the folder of embedded PostgreSQL."""

    host: str = "127.0.0.1"
    port: int = 8000
    """LEDGER_HOST, LEDGER_PORT: where the service listens; port 0 takes a free one."""

    workers: int = 2
    connections: int = 1_000
    """LEDGER_WORKERS, LEDGER_CONNECTIONS: processes of the service, and callers that each serves at once."""

    queue: int = 512
    """LEDGER_QUEUE: postings of one process that may wait for their turn; the next one is answered 503."""

    pool_size: int = 4
    """LEDGER_POOL_SIZE: database connections of one worker. Single postings share one more, and upkeep
    has one of its own."""

    lock_timeout_ms: int = 3_000
    """LEDGER_LOCK_TIMEOUT_MS: how long a posting waits for a member that another one holds."""

    statement_timeout_ms: int = 10_000
    """LEDGER_STATEMENT_TIMEOUT_MS: how long one statement may take."""

    caller_timeout_ms: int = 30_000
    """LEDGER_CALLER_TIMEOUT_MS: how long a caller may fall silent in the middle of a request or an answer."""

    unsafe_durability: bool = False
    """LEDGER_UNSAFE_DURABILITY: tolerate a server that may lose what it confirmed. Never in production."""

    app_role: str = "ledger_app"
    """LEDGER_APP_ROLE: the role that the application takes on, which owns nothing."""

    signing_key_file: Path | None = None
    """LEDGER_SIGNING_KEY_FILE: the private key that signs checkpoints; by default one in `data_dir`, if in use."""

    member_keys_file: Path | None = None
    """LEDGER_MEMBER_KEYS_FILE: the keys that members' tokens are believed by; without it there are no such tokens."""

    key_rate: int | None = None
    """LEDGER_KEY_RATE: requests that one key may send in a minute; without it as many as it likes."""

    member_rate: int = 300
    """LEDGER_MEMBER_RATE: requests in a minute with tokens of one member."""

    failure_rate: int = 600
    """LEDGER_FAILURE_RATE: requests in a minute from one address without a valid key or token; then it gets 429."""

    upkeep_seconds: int = 30
    """LEDGER_UPKEEP_SECONDS: how often a worker brings the totals up to the books; 0 leaves it to `ledger totals`."""

    metrics_token: str | None = field(default=None, repr=False)
    """LEDGER_METRICS_TOKEN: what whoever reads `/metrics` must send; without it anybody may read it."""

    log_level: str = "INFO"
    """LEDGER_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    log_format: str = "text"
    """LEDGER_LOG_FORMAT: `text` for people, `json` for programs: an object in each line."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every setting; raises ConfigurationError for the first that cannot be meant."""
        read = _Reader(environ)
        default = cls()
        database_tls = read("DATABASE_TLS", _tls, None)
        address = {_VERIFIED: _verified_url, _CERTIFIED: _certified_url}.get(
            database_tls or "", _database_url
        )
        database_url = read("DATABASE_URL", address, None)
        return cls(
            database_url=database_url,
            owner_database_url=read("OWNER_DATABASE_URL", address, database_url),
            database_tls=database_tls,
            data_dir=read("DATA_DIR", Path, default.data_dir),
            host=read("HOST", str, default.host),
            port=read("PORT", _between(0, 65_535), default.port),
            workers=read("WORKERS", _between(1, 256), default.workers),
            connections=read("CONNECTIONS", _between(1, 65_536), default.connections),
            queue=read("QUEUE", _between(1, 65_536), default.queue),
            pool_size=read("POOL_SIZE", _between(1, 1_000), default.pool_size),
            lock_timeout_ms=read("LOCK_TIMEOUT_MS", _between(1, 600_000), default.lock_timeout_ms),
            statement_timeout_ms=read(
                "STATEMENT_TIMEOUT_MS", _between(1, 3_600_000), default.statement_timeout_ms
            ),
            caller_timeout_ms=read("CALLER_TIMEOUT_MS", _between(1, 600_000), default.caller_timeout_ms),
            unsafe_durability=read("UNSAFE_DURABILITY", _yes_or_no, default.unsafe_durability),
            app_role=read("APP_ROLE", _role, default.app_role),
            signing_key_file=read("SIGNING_KEY_FILE", Path, None),
            member_keys_file=read("MEMBER_KEYS_FILE", Path, None),
            key_rate=read("KEY_RATE", _between(1, 1_000_000_000), None),
            member_rate=read("MEMBER_RATE", _between(1, 1_000_000_000), default.member_rate),
            failure_rate=read("FAILURE_RATE", _between(1, 1_000_000_000), default.failure_rate),
            upkeep_seconds=read("UPKEEP_SECONDS", _between(0, 86_400), default.upkeep_seconds),
            metrics_token=read("METRICS_TOKEN", _token, None),
            log_level=read("LOG_LEVEL", _log_level, default.log_level),
            log_format=read("LOG_FORMAT", _log_format, default.log_format),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def __call__(self, name: str, parse: Callable[[str], Setting], default: Setting) -> Setting:
        given = self.environ.get(PREFIX + name, "").strip()
        if not given:
            return default
        try:
            return parse(given)
        except ValueError as error:
            # `from None`: the first error may quote the value, and the value may hold a password.
            raise ConfigurationError(f"{PREFIX}{name} {error}") from None


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(given: str) -> int:
        if not (given.isascii() and given.isdigit() and least <= int(given) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}, not {given!r}.")
        return int(given)

    return parse


def _yes_or_no(given: str) -> bool:
    if given.lower() not in _TRUE + _FALSE:
        raise ValueError(f"must be one of {', '.join(_TRUE + _FALSE)}, not {given!r}.")
    return given.lower() in _TRUE


def _log_level(given: str) -> str:
    if given.upper() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}, not {given!r}.")
    return given.upper()


def _log_format(given: str) -> str:
    if given.lower() not in _LOG_FORMATS:
        raise ValueError(f"must be one of {', '.join(_LOG_FORMATS)}, not {given!r}.")
    return given.lower()


def _token(given: str) -> str:
    if len(given) < 16 or not (given.isascii() and given.isprintable() and " " not in given):
        raise ValueError("must be at least 16 visible ASCII characters.")
    if is_guessable(given):
        raise ValueError("can be guessed; make one at random, as `openssl rand -hex 16` does.")
    return given


def is_guessable(secret: str) -> bool:
    """Whether a secret is of few letters, or of words that everybody tries first."""
    rest = "".join(filter(str.isalnum, secret.lower()))
    return len(set(rest)) < _LEAST_LETTERS or len(_USUAL.sub("", rest)) < _LEAST_LETTERS


def _role(given: str) -> str:
    # It travels in a connection's options, where blanks and backslashes separate.
    if not (given.isascii() and given.replace("_", "").isalnum()):
        raise ValueError(f"must be letters, digits and underscores, not {given!r}.")
    return given


def _database_url(given: str) -> str:
    try:
        scheme = urlsplit(given).scheme
    except ValueError:
        scheme = ""
    if scheme not in _SCHEMES:
        raise ValueError("must be an address of the form postgresql://user@host:5432/database.")
    if (
        is_remote(given)
        and (password := urlsplit(given).password) is not None
        and _is_usual(given, unquote(password))
    ):
        raise ValueError("has a password that everybody tries first; give the role another one.")
    return given


def _is_usual(address: str, password: str) -> bool:
    """Whether a password is the one that examples have, or the name of its user."""
    if password in ("", urlsplit(address).username) or password.startswith("change-me"):
        return True
    return _USUAL.fullmatch(password.lower()) is not None


def _tls(given: str) -> str:
    if given not in (_VERIFIED, _CERTIFIED):
        raise ValueError(
            f"must be {_VERIFIED} or {_CERTIFIED}, not {given!r}; without it the address decides."
        )
    return given


def _verified_url(given: str) -> str:
    """The address, by which libpq checks the server's certificate and name."""
    parts = urlsplit(_database_url(given))
    if not is_remote(given):
        return given
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if query.setdefault("sslmode", _VERIFIED) != _VERIFIED:
        raise ValueError(f"asks for another sslmode than LEDGER_DATABASE_TLS={_VERIFIED} does.")
    return urlunsplit(parts._replace(query=urlencode(query)))


def _certified_url(given: str) -> str:
    """The address, by which libpq also shows a certificate of its own, and answers to no demand for a password."""
    verified = _verified_url(given)
    parts = urlsplit(verified)
    if not is_remote(verified):
        return verified
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password is not None or query.keys() & {"password", "passfile"}:
        raise ValueError(
            f"has a password, of which LEDGER_DATABASE_TLS={_CERTIFIED} makes no use; take it out."
        )
    for name, wanted in {"sslcertmode": "require", "require_auth": "none"}.items():
        if query.setdefault(name, wanted) != wanted:
            raise ValueError(f"asks for another {name} than LEDGER_DATABASE_TLS={_CERTIFIED} does.")
    return urlunsplit(parts._replace(query=urlencode(query)))


def is_remote(address: str) -> bool:
    """Whether an address leads over a network, and not to a socket of this machine."""
    parts = urlsplit(address)
    hosts = dict(parse_qsl(parts.query)).get("host", parts.hostname or "").split(",")
    return any(host and not host.startswith(("/", "@")) for host in map(unquote, hosts))


def is_verified(address: str) -> bool:
    """Whether libpq checks who answers at an address."""
    return dict(parse_qsl(urlsplit(address).query)).get("sslmode") == _VERIFIED
