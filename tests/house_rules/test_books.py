"""Rules that keep the books safe: one committer, one writer, one clock, no floats."""

import ast
import re
from collections.abc import Iterator

import pytest

from .reading import Source, calls, sources, texts

# Waiting times in seconds, of a server's start and end; no amount comes near them.
MAY_USE_FLOATS = ("ledger/devdb/",)

WRITES_TO_BOOKS = re.compile(r"\b(insert\s+into|copy)\s+\"?(entries|postings)\b", re.IGNORECASE)
CHANGES_BOOKS = re.compile(
    r"\b(update|delete\s+from|truncate(\s+table)?)\s+\"?(entries|postings)\b", re.IGNORECASE
)


def test_only_the_database_module_commits() -> None:
    found = [
        file.where(call)
        for file in sources("ledger/", without=("ledger/db.py",))
        for call in calls(file.tree, "commit")
    ]
    assert not found


def test_nobody_commits_behind_the_database_module() -> None:
    # Leaving `with engine.begin()` commits, and autocommit commits each statement. The embedded server's
    # administration (CREATE DATABASE, CREATE ROLE) cannot run inside a transaction.
    found = [
        file.where(node)
        for file in sources("ledger/", without=("ledger/db.py", "ledger/devdb/"))
        for node in (*calls(file.tree, "begin"), *_autocommits(file))
    ]
    assert not found


def _autocommits(file: Source) -> Iterator[ast.AST]:
    yield from (text for text in texts(file.tree) if text.value == "AUTOCOMMIT")
    for node in ast.walk(file.tree):
        if isinstance(node, ast.keyword) and node.arg == "autocommit":
            yield node


def test_only_the_journal_inserts_entries_and_postings() -> None:
    found = [
        file.where(node)
        for file in sources("ledger/", without=("ledger/journal/",))
        for node in _writes_to_books(file)
    ]
    assert not found


def _writes_to_books(file: Source) -> Iterator[ast.AST]:
    yield from (text for text in texts(file.tree) if WRITES_TO_BOOKS.search(str(text.value)))
    for call in calls(file.tree, "insert"):
        target = call.func.value if isinstance(call.func, ast.Attribute) else None
        for table in (target, *call.args):
            if table is not None and re.search(r"\b(entries|postings)$", ast.unparse(table)):
                yield call


def test_nothing_changes_or_removes_an_entry_or_a_posting() -> None:
    found = [
        file.where(text)
        for file in sources("ledger/")
        for text in texts(file.tree)
        if CHANGES_BOOKS.search(str(text.value))
    ]
    assert not found


def test_no_float_is_written_in_the_ledger() -> None:
    found = [
        file.where(node)
        for file in sources("ledger/", without=MAY_USE_FLOATS)
        for node in ast.walk(file.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert not found


@pytest.mark.parametrize(
    ("call", "homes"),
    [
        (r"(datetime|dt)\.(now|utcnow|today)", ("ledger/clock.py",)),
        (r"(datetime\.)?date\.today", ("ledger/clock.py",)),
        (r"time\.(time|time_ns)", ("ledger/clock.py", "ledger/ids.py")),
        (r"(\w+\.)*uuid7", ("ledger/ids.py",)),
        (r"uuid\.uuid[14]|uuid[14]", ()),
    ],
)
def test_time_and_ids_come_from_one_place(call: str, homes: tuple[str, ...]) -> None:
    found = [
        file.where(node)
        for file in sources("ledger/", without=homes)
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and re.fullmatch(call, ast.unparse(node.func))
    ]
    assert not found


def test_no_statement_asks_the_database_for_the_time() -> None:
    # The time of a posting is an argument; the database has another clock, and no test clock sets that one.
    pattern = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp)\(\)|\bcurrent_(timestamp|date)\b", re.I
    )
    found = [
        file.where(text)
        for file in sources("ledger/")
        for text in _statements(file)
        if pattern.search(str(text.value))
    ]
    assert not found


def _statements(file: Source) -> Iterator[ast.Constant]:
    sql = re.compile(r"\b(select|insert|update|delete|values)\b", re.IGNORECASE)
    yield from (text for text in texts(file.tree) if sql.search(str(text.value)))
