"""On the command line: a checkpoint is written, the books are held against it, and the journal leaves with it."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger import clock
from ledger.cli import main
from tests.finance.signing import signer
from tests.till import Till, open_till
from tools import verify_journal


@pytest.fixture
def till(fresh_database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.owner_url)
    monkeypatch.setenv("LEDGER_SIGNING_KEY_FILE", str(path))
    with open_till(fresh_database.app_url, "default") as opened:
        opened.award("m-1", 10)
        opened.redeem("m-1", 3)
        yield opened


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_books_are_held_against_a_checkpoint_and_a_cut_tail_is_named(
    till: Till, fresh_database: Any, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.ndjson"
    assert run("checkpoint", "--out", file).exit_code == 0
    till.at(clock.system_now()).award("m-2", 5)
    sound = run("verify", "--checkpoint", file, "--public-key", signer().public_key.hex())
    assert (sound.exit_code, sound.stdout.splitlines()[-1]) == (0, "The books are sound.")
    assert "ok      checkpoint file" in sound.stdout
    with psycopg.connect(fresh_database.owner_url) as owner:
        for table in ("entries", "postings"):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        owner.execute("DELETE FROM postings WHERE credit = 51")
        owner.execute("DELETE FROM entries WHERE kind = 'redeem'")
    broken = run("verify", "--checkpoint", file)
    assert broken.exit_code == 1
    told = broken.stdout.partition("BROKEN  checkpoint file")[2]
    assert "version 2): row must be there, with the hash" in told


def test_key_that_is_not_asked_for_is_told_and_another_is_refused(till: Till, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.ndjson"
    run("checkpoint", "--out", file)
    assert "Whose key has signed the checkpoint was not asked" in run("verify", "--checkpoint", file).stdout
    other = run("verify", "--checkpoint", file, "--public-key", signer(1).public_key.hex())
    assert other.exit_code == 1
    assert f"public_key must be {signer(1).public_key.hex()}" in other.stdout


def test_public_key_is_printed_and_nothing_is_made(till: Till) -> None:
    assert run("checkpoint", "--public-key").stdout == f"{signer().public_key.hex()}\n"
    assert till.rows("SELECT count(*) FROM checkpoints") == [(0,)]


def test_checkpoint_goes_to_standard_output_unless_a_file_is_named(till: Till, tmp_path: Path) -> None:
    printed = run("checkpoint")
    (tmp_path / "checkpoint.ndjson").write_text(printed.stdout, encoding="utf-8")
    assert run("verify", "--checkpoint", tmp_path / "checkpoint.ndjson").exit_code == 0
    assert len(printed.stdout.splitlines()) == 2


def test_file_that_is_there_is_not_written_over_and_nothing_is_made(till: Till, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.ndjson"
    file.write_text("old", encoding="utf-8")
    for command in (("checkpoint",), ("export", "evidence")):
        refused = run(*command, "--out", file)
        assert refused.exit_code == 1
        assert "cannot be written: File exists" in refused.stderr
    assert file.read_text(encoding="utf-8") == "old"
    assert till.rows("SELECT count(*) FROM checkpoints") == [(0,)]


def test_failure_leaves_no_file(till: Till, tmp_path: Path, fresh_database: Any) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("ALTER TABLE checkpoints RENAME TO gone")
        owner.execute("ALTER TABLE entries RENAME TO gone_as_well")
    for command in (("checkpoint",), ("export", "evidence")):
        assert run(*command, "--out", tmp_path / "out.ndjson").exit_code == 1
        assert not (tmp_path / "out.ndjson").exists()


def test_no_key_and_an_open_key_are_told(till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").chmod(0o644)
    assert "can be read by others" in run("checkpoint").stderr
    monkeypatch.delenv("LEDGER_SIGNING_KEY_FILE")
    refused = run("checkpoint")
    assert refused.exit_code == 1
    assert "LEDGER_SIGNING_KEY_FILE must name the file" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--public-key", "00" * 32), ("--checkpoint", "nowhere.ndjson"), ("--public-key", "x")],
)
def test_options_that_cannot_be_meant_are_refused(till: Till, arguments: tuple[str, ...]) -> None:
    assert run("verify", *arguments).exit_code == 2


def test_stranger_checks_the_exported_journal(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, journal = tmp_path / "checkpoint.ndjson", tmp_path / "journal.ndjson"
    assert run("checkpoint", "--out", checkpoint).exit_code == 0
    till.at(clock.system_now()).award("m-2", 5)
    assert run("export", "evidence", "--out", journal).exit_code == 0
    known = ["--public-key", signer().public_key.hex()]
    assert verify_journal.main([str(checkpoint), str(journal), *known]) == 0
    assert "Read 3 entries and 3 postings of 2 holders; 1 entries are later" in capsys.readouterr().out
    assert run("export", "evidence").stdout == journal.read_text(encoding="utf-8")
    content = journal.read_text(encoding="utf-8").replace('"kind":"redeem"', '"kind":"expire"')
    journal.write_text(content, encoding="utf-8")
    assert verify_journal.main([str(checkpoint), str(journal), *known]) == 1
    assert "BROKEN  hash" in capsys.readouterr().out
