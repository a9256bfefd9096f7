"""bean-check and hledger, run as the programs that they are. A test that needs one that is not there is skipped."""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

HLEDGER: Final = shutil.which("hledger")
BEAN_CHECK: Final = shutil.which("bean-check", path=Path(sys.executable).parent)

_BOTH = (
    pytest.param(
        "beancount",
        marks=pytest.mark.skipif(
            BEAN_CHECK is None, reason="bean-check is not installed: pip install beancount"
        ),
    ),
    pytest.param(
        "hledger",
        marks=pytest.mark.skipif(HLEDGER is None, reason="hledger is not installed: apt-get install hledger"),
    ),
)
each_checker = pytest.mark.parametrize("form", _BOTH)
needs_hledger = pytest.mark.skipif(
    HLEDGER is None, reason="hledger is not installed: apt-get install hledger"
)


def complaints(form: str, journal: str, folder: Path) -> str:
    """What the program of that form has against a journal; nothing when it accepts it."""
    path = folder / f"journal.{form}"
    path.write_text(journal, encoding="utf-8")
    return _CHECKS[form](path)


def _bean_check(path: Path) -> str:
    assert BEAN_CHECK is not None
    # Without its cache, which would stand beside the file and outlive it.
    return _run(BEAN_CHECK, "--no-cache", str(path))


def _hledger_check(path: Path) -> str:
    assert HLEDGER is not None
    # Version by version the list of a strict check has grown; these are named to be sure of them.
    strict = _run(HLEDGER, "check", "--strict", "-f", f"journal:{path}")
    named = ("accounts", "commodities", "balancednoautoconversion", "assertions", "ordereddates")
    return strict or _run(HLEDGER, "check", *named, "-f", f"journal:{path}")


def hledger_balances(journal: str, folder: Path) -> dict[str, dict[str, Decimal]]:
    """What hledger makes of the transactions: by account and commodity, assertions left aside."""
    assert HLEDGER is not None
    path = folder / "balances.hledger"
    path.write_text(journal, encoding="utf-8")
    command = [
        HLEDGER,
        "balance",
        "-f",
        f"journal:{path}",
        "--ignore-assertions",
        "--flat",
        "--no-total",
        "-O",
        "csv",
    ]
    command += ["--no-elide", "--empty", "--commodity-style=1000.00 CNY", "--layout=bare"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, Decimal]] = {}
    for row in csv.DictReader(told.splitlines()):
        amount = Decimal(row["balance"])
        if amount:
            found.setdefault(row["account"], {})[row["commodity"]] = amount
    return found


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    # A program that could not run at all must not look as if it had refused the journal, or accepted it.
    assert done.returncode in (0, 1), said
    return said if done.returncode else ""


_CHECKS: Final[dict[str, Callable[[Path], str]]] = {"beancount": _bean_check, "hledger": _hledger_check}
