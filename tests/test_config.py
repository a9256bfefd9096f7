"""Settings from the environment: what they are by default, what is refused, and what is never shown."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ledger.config import ConfigurationError, Settings

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
    ],
)
def test_value_that_cannot_be_meant_is_refused_with_its_variable(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^LEDGER_{name} ") as refusal:
        read(**{name: text})
    assert "hunter2" not in str(refusal.value)
    # A traceback shows the errors behind this one too, unless they are suppressed.
    assert refusal.value.__suppress_context__


def test_passwords_and_tokens_are_not_shown() -> None:
    assert "hunter2" not in repr(read(DATABASE_URL=SECRET, METRICS_TOKEN="hunter2-and-more"))


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read().port = 1  # type: ignore[misc]
