"""The pages of the documentation, and the examples in them: what a reader would type, and what would be answered."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = tuple(
    sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
)

_ADDRESS: Final = "http://127.0.0.1:8000"
_FENCE: Final = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
_END: Final = "end of the example"
_SECONDS: Final = 120
_MAIN: Final = "from ledger.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Example:
    """What a reader types (``sh``), and the answer that the page shows for it (``json``), if it shows one."""

    typed: str
    shown: Any


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for found, body in _FENCE.findall(text_of(page)) if found == language]


def examples(page: str) -> list[Example]:
    """The examples of a page, in order."""
    found: list[Example] = []
    for language, body in _FENCE.findall(text_of(page)):
        if language == "sh":
            found.append(Example(body, None))
        elif language == "json":
            found[-1] = Example(found[-1].typed, json.loads(body))
    return found


def run(typed: list[str], folder: Path, address: str) -> list[str]:
    """What each example prints when they are typed one after the other, into one shell."""
    script = f"\necho; echo {shlex.quote(_END)}\n".join([*typed, ""]).replace(_ADDRESS, address)
    done = subprocess.run(
        ("bash", "-euo", "pipefail", "-c", script),
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return [printed.strip() for printed in done.stdout.split(_END)[:-1]]


def covers(answer: Any, shown: Any) -> bool:
    """Whether the answer holds all that is shown; ``"…"`` stands for any text, and members may be left out."""
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(
            name in answer and covers(answer[name], value) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return (
            isinstance(answer, list)
            and len(answer) == len(shown)
            and all(covers(*pair) for pair in zip(answer, shown, strict=True))
        )
    if shown == "…":
        return isinstance(answer, str)
    return type(answer) is type(shown) and bool(answer == shown)


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The address of ``make run`` in a folder of its own, where ``.venv/bin/ledger`` is the ledger."""
    program = folder / ".venv" / "bin" / "ledger"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(_MAIN)} "$@"\n')
    program.chmod(0o755)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (str(program), "serve", "--port", "0"),
            cwd=folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        announced = process.stdout.readline()
        assert announced.startswith("Ledger ready on "), (folder / "log").read_text()
        yield announced.removeprefix("Ledger ready on ").strip()
    finally:
        process.terminate()
        process.communicate(timeout=_SECONDS)


def _environment() -> dict[str, str]:
    """Ours without settings of the ledger and without proxies, which are not for this machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LEDGER_") and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(ROOT)}
