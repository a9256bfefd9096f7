"""``ledger close`` and ``ledger periods`` do what the routes do, and say who did it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.accounts.programs import create_program, set_test_clock
from ledger.cli import main
from tests.finance.closing import hash_of_pack, pack_of
from tests.till import START, Till, day, open_till, terms


@pytest.fixture
def shop(fresh_database: Any) -> Iterator[Till]:
    """A test program whose clock stands in February, with 100 points of January."""
    with open_till(fresh_database.app_url, "other") as till:
        till.program = till.database.run(
            lambda connection: create_program(
                connection,
                "shop",
                currency="CNY",
                timezone="Asia/Shanghai",
                terms=terms(),
                now=START,
                is_test=True,
            )
        )
        till.at(START + timedelta(days=1)).buy("m-1", 10_000)
        till.database.run(lambda connection: set_test_clock(connection, till.program, day(40)))
        yield till


@pytest.fixture
def call(fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--program", "shop"])


def test_month_is_closed_in_two_steps(shop: Till, call: Callable[..., Result]) -> None:
    assert call("periods").stdout == ""
    result = call("close", "2026-01")
    assert (result.exit_code, result.stdout) == (0, "2026-01  soft_closed  -\n")
    result = call("close", "2026-01", "--lock")
    told = f"2026-01  locked       {hash_of_pack(shop, '2026-01').hex()}\n"
    assert (result.exit_code, result.stdout) == (0, told)
    assert call("periods").stdout == told
    pack = pack_of(shop, "2026-01")
    assert (pack["closed_by"], pack["points"]["issued"], pack["checkpoint"]) == ("command line", 100, None)


def test_month_is_closed_at_once_with_a_checkpoint_where_there_is_a_key(
    shop: Till, call: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    file = tmp_path / "signing.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    monkeypatch.setenv("LEDGER_SIGNING_KEY_FILE", str(file))
    assert call("close", "2026-01", "--lock").exit_code == 0
    assert pack_of(shop, "2026-01")["checkpoint"]["public_key"] == key.public_key().public_bytes_raw().hex()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("2026-02",), 1, "2026-02 is not the month whose turn it is, or has not ended"),
        (("2026-02", "--lock"), 1, "has not ended"),
        (("2026-13",), 2, "must be a month such as 2026-01"),
        (("january",), 2, "must be a month such as 2026-01"),
    ],
)
def test_month_out_of_turn_is_refused_and_nothing_is_done(
    shop: Till, call: Callable[..., Result], arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = call("close", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in " ".join(result.stderr.split())
    assert shop.rows("SELECT count(*) FROM period_events") == [(0,)]


def test_month_that_is_closed_is_not_closed_again(shop: Till, call: Callable[..., Result]) -> None:
    assert call("close", "2026-01", "--lock").exit_code == 0
    for again in (("2026-01",), ("2026-01", "--lock")):
        assert call("close", *again).exit_code == 1
    assert shop.rows("SELECT count(*) FROM period_events") == [(2,)]
