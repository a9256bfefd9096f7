"""Settings from the environment: what they are by default, what is refused, and what is never shown."""

import random
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ledger.config import ConfigurationError, Settings, is_guessable, is_remote, is_verified

SECRET = "postgresql://ledger:hunter2@db.example/ledger"


def read(**variables: str) -> Settings:
    return Settings.from_environment({f"LEDGER_{name}": text for name, text in variables.items()})


def test_nothing_set_means_embedded_and_loopback() -> None:
    settings = read()
    assert (settings.database_url, settings.owner_database_url) == (None, None)
    assert (settings.data_dir, settings.host, settings.port) == (Path("ledger-data"), "127.0.0.1", 8000)
    assert not settings.unsafe_durability


def test_empty_variable_counts_as_unset() -> None:
    assert read(PORT="", DATABASE_URL=" ") == read()


def test_owner_address_is_the_database_address_unless_given() -> None:
    assert read(DATABASE_URL=SECRET).owner_database_url == SECRET
    other = "postgresql+psycopg://owner@/ledger?host=/run/postgresql"
    assert read(DATABASE_URL=SECRET, OWNER_DATABASE_URL=other).owner_database_url == other


def test_by_default_the_queue_is_full_before_the_callers_are() -> None:
    assert read().queue < read().connections


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("TRUE", True), ("off", False), ("No", False), ("0", False)]
)
def test_yes_and_no_are_read_in_their_usual_forms(text: str, expected: bool) -> None:
    assert read(UNSAFE_DURABILITY=text).unsafe_durability is expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8000.0"),
        ("PORT", "八"),
        ("PORT", "٨٠٠٠"),
        ("WORKERS", "0"),
        ("CONNECTIONS", "many"),
        ("QUEUE", "0"),
        ("POOL_SIZE", "0"),
        ("LOCK_TIMEOUT_MS", "0"),
        ("STATEMENT_TIMEOUT_MS", "1s"),
        ("UNSAFE_DURABILITY", "maybe"),
        ("APP_ROLE", "a b"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://root:hunter2@db.example/ledger"),
        ("DATABASE_URL", "postgres://root:hunter2@db.example/ledger"),
        ("OWNER_DATABASE_URL", "hunter2"),
        ("METRICS_TOKEN", "hunter2"),
        ("METRICS_TOKEN", "hunter2 and a blank"),
        ("METRICS_TOKEN", "hunter2-in-other-letters-é"),
        ("DATABASE_TLS", "require"),
        ("DATABASE_TLS", "1"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_value_that_cannot_be_meant_is_refused_with_its_variable(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^LEDGER_{name} ") as refusal:
        read(**{name: text})
    assert "hunter2" not in str(refusal.value)
    # A traceback shows the errors behind this one too, unless they are suppressed.
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    "token",
    [
        "changeme-changeme",
        "secret-secret-secret",
        "my-secret-token-1",
        "LedgerMetricsToken",
        "password12345678",
        "0123456789abcdef",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "--------------------",
        "default-prometheus-token",
    ],
)
def test_a_token_that_everybody_tries_first_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LEDGER_METRICS_TOKEN can be guessed") as refusal:
        read(METRICS_TOKEN=token)
    assert token not in str(refusal.value)


@pytest.mark.parametrize("length", [8, 16, 32])
def test_a_token_made_at_random_is_taken(length: int) -> None:
    chance = random.Random(length)
    tokens = [chance.randbytes(length).hex() for _ in range(100)]
    refused = [token for token in tokens if is_guessable(token)]
    # Of the shortest, one of some thousands has too few letters.
    assert len(refused) <= (length == 8)


@pytest.mark.parametrize(
    "login", ["ledger:", "ledger:ledger", "app:postgres", "app:Password", "app:change-me-app", "app:secret"]
)
def test_a_password_that_everybody_tries_first_is_refused_over_a_network(login: str) -> None:
    for name in ("DATABASE_URL", "OWNER_DATABASE_URL"):
        with pytest.raises(
            ConfigurationError, match=f"^LEDGER_{name} has a password that everybody tries first"
        ):
            read(**{name: f"postgresql://{login}@db.example/ledger"})
    on_a_socket = f"postgresql://{login}@/ledger?host=/run/postgresql"
    assert read(DATABASE_URL=on_a_socket).database_url == on_a_socket


def test_a_certificate_is_demanded_of_both_addresses() -> None:
    ca = "postgresql://ledger:hunter2@db.example/ledger?sslrootcert=%2Fca.pem"
    settings = read(DATABASE_TLS="verify-full", DATABASE_URL=ca, OWNER_DATABASE_URL=SECRET)
    assert settings.database_url == f"{ca}&sslmode=verify-full"
    assert settings.owner_database_url == f"{SECRET}?sslmode=verify-full"
    assert read(DATABASE_TLS="verify-full", DATABASE_URL=f"{ca}&sslmode=verify-full") == read(
        DATABASE_TLS="verify-full", DATABASE_URL=ca
    )


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", ""])
def test_an_address_that_asks_for_less_than_a_certificate_is_refused(mode: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LEDGER_DATABASE_URL asks for another sslmode") as refusal:
        read(DATABASE_TLS="verify-full", DATABASE_URL=f"{SECRET}?sslmode={mode}")
    assert "hunter2" not in str(refusal.value)


CERTIFIED = "postgresql://ledger@db.example/ledger?sslcert=%2Fledger.crt&sslkey=%2Fledger.key"


def test_a_service_that_proves_itself_by_a_certificate_answers_to_no_demand_for_a_password() -> None:
    settings = read(DATABASE_TLS="certificate", DATABASE_URL=CERTIFIED)
    demanded = f"{CERTIFIED}&sslmode=verify-full&sslcertmode=require&require_auth=none"
    assert settings.database_url == settings.owner_database_url == demanded
    assert is_verified(demanded)
    on_a_socket = "postgresql://ledger:hunter2@/ledger?host=/run/postgresql"
    assert read(DATABASE_TLS="certificate", DATABASE_URL=on_a_socket).database_url == on_a_socket


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (SECRET, "has a password"),
        (f"{CERTIFIED}&password=hunter2", "has a password"),
        (f"{CERTIFIED}&passfile=hunter2", "has a password"),
        (f"{CERTIFIED}&require_auth=hunter2", "asks for another require_auth"),
        (f"{CERTIFIED}&sslcertmode=allow", "asks for another sslcertmode"),
        (f"{CERTIFIED}&sslmode=require", "asks for another sslmode"),
    ],
)
def test_an_address_that_has_another_proof_than_a_certificate_is_refused(address: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^LEDGER_DATABASE_URL {why}") as refusal:
        read(DATABASE_TLS="certificate", DATABASE_URL=address)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("postgresql://db.example/ledger", True),
        ("postgresql://127.0.0.1/ledger", True),
        ("postgresql:///ledger?host=db.example", True),
        ("postgresql:///ledger?host=/run/postgresql,db.example", True),
        ("postgresql:///ledger", False),
        ("postgresql:///ledger?host=/run/postgresql", False),
        ("postgresql://%2Frun%2Fpostgresql/ledger", False),
    ],
)
def test_an_address_leads_over_a_network_or_to_a_socket(address: str, remote: bool) -> None:
    assert is_remote(address) is remote
    demanded = read(DATABASE_TLS="verify-full", DATABASE_URL=address).database_url
    assert demanded is not None
    assert is_verified(demanded) is remote


def test_passwords_and_tokens_are_not_shown() -> None:
    assert "hunter2" not in repr(read(DATABASE_URL=SECRET, METRICS_TOKEN="hunter2-and-more"))


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read().port = 1  # type: ignore[misc]
