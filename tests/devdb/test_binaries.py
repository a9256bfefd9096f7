"""Which PostgreSQL programs are used: setting, then what is preferred, then system, then wheel."""

from pathlib import Path

import pytest

from ledger.devdb import DevServerError, find_binaries
from ledger.devdb import binaries as module


def make_programs(folder: Path, version: str, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names or ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """System and wheel folders of a made-up machine: 15 and 17 from the system, 18 from the wheel."""
    make_programs(tmp_path / "system" / "15" / "bin", "15.20 (Debian 15.20-1)")
    make_programs(tmp_path / "system" / "17" / "bin", "17.2")
    make_programs(tmp_path / "wheel", "18.6")
    monkeypatch.setattr(module, "SYSTEM_FOLDERS", ((str(tmp_path / "system"), "*/bin"),))
    monkeypatch.setattr(module, "_wheel_folders", lambda: iter([tmp_path / "wheel"]))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path


def test_newest_of_the_system_comes_before_the_wheel(places: Path) -> None:
    found = find_binaries(environ={})
    assert (found.source, found.major, found.folder) == ("system", 17, places / "system" / "17" / "bin")


def test_preferred_source_comes_first(places: Path) -> None:
    assert (find_binaries(prefer="wheel", environ={}).folder) == places / "wheel"


def test_preferred_source_that_has_none_falls_back(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_wheel_folders", lambda: iter([]))
    assert find_binaries(prefer="wheel", environ={}).source == "system"


def test_setting_wins_over_what_is_preferred(places: Path) -> None:
    given = make_programs(places / "given", "16.1")
    found = find_binaries(prefer="wheel", environ={"LEDGER_POSTGRES_BIN": str(given)})
    assert (found.source, found.major) == ("setting", 16)


def test_setting_that_names_no_server_is_refused_and_not_passed_over(places: Path) -> None:
    client_only = make_programs(places / "client", "16.1", "psql")
    with pytest.raises(DevServerError, match="LEDGER_POSTGRES_BIN"):
        find_binaries(environ={"LEDGER_POSTGRES_BIN": str(client_only)})


def test_version_that_wrote_the_data_is_demanded_of_every_source(places: Path) -> None:
    assert find_binaries(major=15, prefer="wheel", environ={}).major == 15
    assert find_binaries(major=18, environ={}).source == "wheel"
    with pytest.raises(DevServerError, match="PostgreSQL 16"):
        find_binaries(major=16, environ={})
    with pytest.raises(DevServerError, match="written by PostgreSQL 16"):
        find_binaries(major=16, environ={"LEDGER_POSTGRES_BIN": str(places / "wheel")})


@pytest.mark.parametrize("version", ["14.9", "19beta1", "nonsense"])
def test_unsupported_versions_are_not_used(places: Path, version: str) -> None:
    given = make_programs(places / "given", version)
    with pytest.raises(DevServerError, match="15 to 18"):
        find_binaries(environ={"LEDGER_POSTGRES_BIN": str(given)})


def test_system_with_initdb_missing_is_passed_over(places: Path) -> None:
    make_programs(places / "system" / "18" / "bin", "18.1", "postgres")
    assert find_binaries(environ={}).major == 17
