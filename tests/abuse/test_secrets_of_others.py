"""Secrets that everybody knows: a service that is given one does not start, and says which setting is wrong."""

import json
import subprocess
from pathlib import Path

import pytest

from ledger import clock
from tests.faults.service import LEDGER, SECONDS, environment
from tests.member_tokens import Identity, write_keys


def refuse(*arguments: str, **settings: str) -> str:
    """What ``ledger serve`` says when it does not start."""
    done = subprocess.run(
        (*LEDGER, "serve", "--port", "0", *arguments),
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode > 0, done.stderr
    assert "Ledger ready" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "token", ["secret", "changeme-changeme-changeme", "00000000000000000000", "LedgerMetricsToken"]
)
def test_no_service_starts_with_a_token_that_everybody_knows(tmp_path: Path, token: str) -> None:
    """points.com 2023: the key of the administrators' cookies was the word "secret"."""
    said = refuse("--data", str(tmp_path / "books"), LEDGER_METRICS_TOKEN=token)
    assert "LEDGER_METRICS_TOKEN" in said
    assert token not in said
    assert not (tmp_path / "books").exists()


@pytest.mark.parametrize("password", ["postgres", "change-me-app", "ledger", "password"])
def test_no_service_starts_with_a_password_that_everybody_knows(password: str) -> None:
    """points.com 2023: the same, of a database over a network."""
    said = refuse(LEDGER_DATABASE_URL=f"postgresql://ledger:{password}@db.example/books")
    assert "LEDGER_DATABASE_URL has a password that everybody tries first" in said
    assert f":{password}@" not in said


@pytest.mark.parametrize("flaw", ["short", "read by others"])
def test_no_service_starts_with_a_secret_of_tokens_that_is_none(tmp_path: Path, flaw: str) -> None:
    """points.com 2023: the same, of what members' tokens are signed with."""
    identity = Identity("default", clock.system_now(), "HS256")
    trusted = identity.trusted()
    if flaw == "short":
        trusted["keys"][0]["k"] = "c2VjcmV0"
    keys = write_keys(tmp_path / "keys", trusted)
    if flaw == "read by others":
        keys.chmod(0o644)
    said = refuse("--data", str(tmp_path / "books"), LEDGER_MEMBER_KEYS_FILE=str(keys))
    assert json.dumps(trusted["keys"][0]["k"]) not in said
    assert str(keys) in said or "LEDGER_MEMBER_KEYS_FILE" in said
