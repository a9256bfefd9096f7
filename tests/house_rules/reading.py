"""The project's own files, as the house rules read them: what git keeps, or else what lies in the folder."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Minified files of other projects, kept as they came.
VENDORED = "ledger/http/static/vendor/"


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the top of the tree, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    def where(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def tracked_files() -> tuple[str, ...]:
    """Paths of all files that belong to the project, vendored ones excepted."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = listing.splitlines()
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        folders = ("ledger", "migrations", "tests", "docs", "benchmarks", "tools")
        paths = [str(path.relative_to(ROOT)) for name in folders for path in (ROOT / name).rglob("*.*")]
    return tuple(sorted(path for path in paths if not path.startswith(VENDORED) and (ROOT / path).is_file()))


@cache
def source(path: str) -> Source:
    text = (ROOT / path).read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text, path))


def sources(*folders: str, without: tuple[str, ...] = ()) -> Iterator[Source]:
    """Every Python file under `folders` whose path does not begin with one of `without`."""
    for path in tracked_files():
        if path.endswith(".py") and path.startswith(folders) and not path.startswith(without or ("\0",)):
            yield source(path)


def calls(node: ast.AST, name: str) -> Iterator[ast.Call]:
    """Every call of something called `name`, be it a function or a method."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _called(call.func) == name:
            yield call


def _called(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def texts(node: ast.AST) -> Iterator[ast.Constant]:
    """Every literal text in the code; SQL is found in them."""
    for constant in ast.walk(node):
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
            yield constant
