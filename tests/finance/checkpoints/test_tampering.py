"""Whatever is done to the books after a checkpoint is found, and its row is named; by an owner without any guard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Row, text

from ledger.accounts.holder import GENESIS
from ledger.finance.checkpoints.files import CheckpointFile
from ledger.finance.verify import CHAIN, CHECKS, Finding, verify
from ledger.finance.verify.chain import raw_entries
from ledger.finance.verify.checkpoints import check_of
from ledger.finance.verify.reading import Check, Rows
from ledger.journal.chain import link
from tests.finance.checkpoints.conftest import Evidence
from tests.finance.signing import checkpoint_file, signer
from tests.finance.tampering import ANOTHER, named, tampering
from tests.till import Till

QUICK = tuple(check for check in CHECKS if check.name in ("versions", "owners", "chain"))

# One entry of each kind, in the middle of its holder's chain where there is one, with all its postings.
ENTRIES = """
SELECT DISTINCT ON (kind) entry_id, holder_id, e.version FROM entries e JOIN holders h USING (holder_id)
 WHERE h.program_id = 1 ORDER BY kind, abs(e.version * 2 - h.version), entry_id
"""


@pytest.fixture(scope="module")
def books(evidence: Evidence) -> Iterator[Connection]:
    with tampering(evidence.database) as connection:
        yield connection


@pytest.fixture
def altered(books: Connection) -> Iterator[Connection]:
    """The books, to be altered; whatever is done is undone."""
    attempt = books.begin_nested()
    yield books
    attempt.rollback()


@pytest.fixture
def signed(evidence: Evidence) -> Check:
    return check_of(CheckpointFile(evidence.path), evidence.public_key)


def failed(connection: Connection, *checks: Check) -> list[Finding]:
    return [finding for finding in verify(connection, None, checks) if not finding.is_sound]


def columns(connection: Connection, *tables: str) -> list[tuple[str, str, str]]:
    """Every column of the tables, those added tomorrow included."""
    found = connection.execute(
        text(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY(:tables) ORDER BY table_name, ordinal_position"
        ),
        {"tables": list(tables)},
    )
    return [(row[0], row[1], row[2]) for row in found]


def rows_of(connection: Connection, statement: str) -> list[Row[Any]]:
    return list(connection.exec_driver_sql(statement).all())


def change(connection: Connection, table: str, column: str, kind: str, where: str) -> set[Any]:
    """Alter a column of a row; the values by which a fault may name it."""
    keys = {"entries": "entry_id", "postings": "entry_id", "lots": "lot_id", "holds": "hold_id"}[table]
    query = f"SELECT {keys}, holder_id FROM {table} WHERE {where}"
    before = rows_of(connection, query)
    assert len(before) == 1
    statement = f"UPDATE {table} SET {column} = {ANOTHER[kind].format(column)} WHERE {where}"
    after = connection.exec_driver_sql(f"{statement} RETURNING {keys}, holder_id").all()
    # The holder names the row where nothing else can: an entry that has left its place in the holder's chain.
    return {value for row in (*before, *after) for value in (row if column == "version" else row[:1])}


def test_books_are_what_was_signed_before_anybody_alters_them(books: Connection, signed: Check) -> None:
    assert failed(books, *CHECKS, signed) == []


@pytest.mark.parametrize("table", ["entries", "postings", "lots", "holds"])
def test_alteration_of_any_column_of_any_sort_of_row_is_found_and_the_row_is_named(
    books: Connection, signed: Check, table: str
) -> None:
    missed = []
    for where in sorts_of_rows(books, table):
        for _, column, kind in columns(books, table):
            with books.begin_nested() as attempt:
                names = change(books, table, column, kind, where)
                if not any(names & named(finding) for finding in found_in(books, table, signed)):
                    missed.append((table, column, where))
                attempt.rollback()
    assert missed == []


def found_in(connection: Connection, table: str, signed: Check) -> Iterator[Finding]:
    """What fails, the quickest checks first."""
    if table in ("entries", "postings"):
        yield from failed(connection, *QUICK)
    yield from failed(connection, *CHECKS, signed)


def sorts_of_rows(connection: Connection, table: str) -> list[str]:
    """Conditions true of one row each: of each kind of entry, of all their postings, of lots and holds in any state."""
    entries = [f"entry_id = '{row.entry_id}'" for row in rows_of(connection, ENTRIES)]
    if table == "entries":
        return entries
    if table == "postings":
        listed = f"SELECT entry_id, ordinal FROM postings WHERE {' OR '.join(entries)}"
        return [
            f"entry_id = '{row.entry_id}' AND ordinal = {row.ordinal}" for row in rows_of(connection, listed)
        ]
    key, sort = {"lots": ("lot_id", "unit, is_open, rolling"), "holds": ("hold_id", "status")}[table]
    listed = f"SELECT DISTINCT ON ({sort}) {key} FROM {table} WHERE program_id = 1 ORDER BY {sort}, {key}"
    return [f"{key} = '{row[0]}'" for row in rows_of(connection, listed)]


def test_sorts_of_rows_are_all_there_are(books: Connection) -> None:
    kinds = rows_of(books, "SELECT count(DISTINCT kind) FROM entries")[0][0]
    assert len(sorts_of_rows(books, "entries")) == kinds >= 14
    accounts = {row[0] for row in rows_of(books, "SELECT DISTINCT debit FROM postings")}
    assert {1, 2, 4} <= accounts
    assert len(sorts_of_rows(books, "postings")) > kinds
    assert len(sorts_of_rows(books, "lots")) >= 4
    assert len(sorts_of_rows(books, "holds")) >= 3


def rehash(connection: Connection, holder: UUID) -> None:
    """Do what a forger does who knows the encoding: every hash of the holder's anew, and its head."""
    previous, head = GENESIS, (0, GENESIS)
    for entry in list(raw_entries(Rows(connection))):
        if entry.place.holder != holder.bytes:
            continue
        previous = link(previous, [entry.columns], ([posting] for posting in entry.postings))
        head = (entry.place.version, previous)
        connection.execute(
            text("UPDATE entries SET hash = :hash WHERE entry_id = :entry AND holder_id = :holder"),
            {"hash": previous, "entry": UUID(bytes=entry.entry_id), "holder": holder},
        )
    connection.execute(
        text("UPDATE holders SET version = :version, head_hash = :hash WHERE holder_id = :holder"),
        {"version": head[0], "hash": head[1], "holder": holder},
    )


@pytest.mark.parametrize("table", ["entries", "postings"])
def test_history_that_is_hashed_anew_after_any_alteration_is_found_by_the_checkpoint_alone(
    books: Connection, signed: Check, table: str
) -> None:
    entry = next(row for row in rows_of(books, ENTRIES) if row.version > 2)
    where = f"entry_id = '{entry.entry_id}'" + (" AND ordinal = 1" if table == "postings" else "")
    for _, column, kind in columns(books, table):
        if column == "hash":
            continue
        with books.begin_nested() as attempt:
            change(books, table, column, kind, where)
            rehash(books, entry.holder_id)
            if column not in ("entry_id", "holder_id"):  # which a forger would have to change in two tables
                assert failed(books, CHAIN) == [], column
            (finding,) = failed(books, signed)
            assert entry.holder_id in named(finding), column
            attempt.rollback()


def last_of(connection: Connection, number: int = 0) -> Row[Any]:
    """A member with a long chain that has no entry after the checkpoint, and its last entry."""
    query = (
        "SELECT holder_id, version, entry_id FROM entries JOIN holders USING (holder_id, version)"
        " WHERE program_id = 1 AND version > 9 AND member_id <> 'm-1' ORDER BY member_id"
    )
    return rows_of(connection, query)[number]


def cut(connection: Connection, holder: UUID, condition: str) -> None:
    of_holder = f"holder_id = '{holder}'"
    chosen = f"SELECT entry_id FROM entries WHERE {of_holder} AND {condition}"
    connection.exec_driver_sql(f"DELETE FROM postings WHERE {of_holder} AND entry_id IN ({chosen})")
    connection.exec_driver_sql(f"DELETE FROM entries WHERE {of_holder} AND {condition}")


def test_cutting_the_tail_of_a_holder_shows_although_all_that_is_left_is_consistent(
    altered: Connection, signed: Check
) -> None:
    last = last_of(altered)
    cut(altered, last.holder_id, f"version >= {last.version - 1}")
    rehash(altered, last.holder_id)
    assert failed(altered, CHAIN) == []
    (finding,) = failed(altered, signed)
    assert finding.first is not None
    assert finding.first.key == {"holder_id": last.holder_id, "version": last.version}
    assert finding.first.found == "missing"


def test_cutting_a_whole_holder_shows(altered: Connection, signed: Check) -> None:
    last = last_of(altered)
    cut(altered, last.holder_id, "true")
    for table in ("lots", "holds", "holders"):
        altered.exec_driver_sql(f"DELETE FROM {table} WHERE holder_id = '{last.holder_id}'")
    assert failed(altered, CHAIN) == []
    (finding,) = failed(altered, signed)
    assert named(finding) == {last.holder_id}


def test_deleting_an_entry_shows_and_shows_when_the_gap_is_closed(altered: Connection, signed: Check) -> None:
    last = last_of(altered)
    cut(altered, last.holder_id, "version = 4")
    assert any(last.holder_id in named(finding) for finding in failed(altered, CHAIN))
    altered.exec_driver_sql(
        f"UPDATE entries SET version = version - 1 WHERE holder_id = '{last.holder_id}' AND version > 4"
    )
    rehash(altered, last.holder_id)
    assert failed(altered, CHAIN) == []
    (finding,) = failed(altered, signed)
    assert named(finding) == {last.holder_id, last.version}


def test_deleting_a_posting_shows(altered: Connection) -> None:
    last = last_of(altered)
    altered.exec_driver_sql(f"DELETE FROM postings WHERE entry_id = '{last.entry_id}' AND ordinal = 1")
    (finding,) = failed(altered, CHAIN)
    assert last.entry_id in named(finding)


def test_inserting_a_posting_shows(altered: Connection) -> None:
    last = last_of(altered)
    insert_posting(altered, last)
    (finding,) = failed(altered, CHAIN)
    assert last.entry_id in named(finding)


def insert_posting(connection: Connection, entry: Row[Any]) -> None:
    connection.exec_driver_sql(
        "INSERT INTO postings (entry_id, holder_id, amount, ordinal, debit, credit, unit)"
        f" VALUES ('{entry.entry_id}', '{entry.holder_id}', 5, 99, 50, 53, 1)"
    )


def insert_entry(connection: Connection, holder: UUID, version: int, recorded_at: str) -> None:
    connection.exec_driver_sql(
        "INSERT INTO entries (entry_id, holder_id, version, effective_at, recorded_at, points_after, held_after,"
        " debt_after, growth_after, terms_version, kind, hash) VALUES (gen_random_uuid(),"
        f" '{holder}', {version}, '2026-01-01', {recorded_at}, 0, 0, 0, 0, 1, 'award', decode(repeat('00', 32), 'hex'))"
    )


@pytest.mark.parametrize("is_hashed", [False, True])
def test_inserting_an_entry_shows(altered: Connection, signed: Check, is_hashed: bool) -> None:
    last = last_of(altered)
    for moved, those in (("-version", "version > 4"), ("1 - version", "version < 0")):
        altered.exec_driver_sql(
            f"UPDATE entries SET version = {moved} WHERE holder_id = '{last.holder_id}' AND {those}"
        )
    insert_entry(altered, last.holder_id, 5, "'2026-01-01'")
    if is_hashed:
        rehash(altered, last.holder_id)
        assert failed(altered, CHAIN) == []
    for check in (signed,) if is_hashed else (CHAIN, signed):
        (finding,) = failed(altered, check)
        assert last.holder_id in named(finding)


@pytest.mark.parametrize("is_hashed", [False, True])
def test_swapping_two_entries_shows(altered: Connection, signed: Check, is_hashed: bool) -> None:
    last = last_of(altered)
    altered.exec_driver_sql(
        f"UPDATE entries SET version = -version WHERE holder_id = '{last.holder_id}' AND version IN (4, 5)"
    )
    altered.exec_driver_sql(
        f"UPDATE entries SET version = 9 + version WHERE holder_id = '{last.holder_id}' AND version < 0"
    )
    if not is_hashed:
        (finding,) = failed(altered, CHAIN)
        assert {last.holder_id, 4} <= named(finding)
        return
    rehash(altered, last.holder_id)
    assert failed(altered, CHAIN) == []
    (finding,) = failed(altered, signed)
    assert {last.holder_id, last.version} <= named(finding)


def test_swapping_two_postings_shows(altered: Connection) -> None:
    (entry, *_) = rows_of(
        altered, "SELECT entry_id FROM postings GROUP BY 1 HAVING count(*) > 1 AND max(ordinal) < 9"
    )
    altered.exec_driver_sql(
        f"UPDATE postings SET ordinal = -ordinal WHERE entry_id = '{entry[0]}' AND ordinal IN (1, 2)"
    )
    altered.exec_driver_sql(
        f"UPDATE postings SET ordinal = 3 + ordinal WHERE entry_id = '{entry[0]}' AND ordinal < 0"
    )
    (finding,) = failed(altered, CHAIN)
    assert entry[0] in named(finding)


@pytest.mark.parametrize("is_new", [False, True], ids=["behind a chain", "of a new holder"])
def test_entry_that_says_it_is_older_than_the_checkpoint_shows(
    altered: Connection, signed: Check, is_new: bool
) -> None:
    last = last_of(altered)
    holder, version = last.holder_id, last.version + 1
    if is_new:
        holder, version = UUID(int=1), 1
        altered.exec_driver_sql(
            "INSERT INTO holders (holder_id, program_id, member_id, enrolled_at)"
            f" VALUES ('{holder}', 1, 'm-made-up', '2026-01-01')"
        )
    recorded_at = f"(SELECT recorded_at FROM entries WHERE entry_id = '{last.entry_id}')"
    insert_entry(altered, holder, version, recorded_at)
    rehash(altered, holder)
    assert failed(altered, CHAIN) == []
    made_at = "(SELECT made_at FROM checkpoints WHERE program_id = 1)"
    for slack, is_found in (("15 minutes 1 second", True), ("15 minutes", False)):
        altered.exec_driver_sql(
            f"UPDATE entries SET recorded_at = {made_at} - interval '{slack}'"
            f" WHERE holder_id = '{holder}' AND version = {version}"
        )
        found = failed(altered, signed)
        assert len(found) == is_found
        assert all(named(finding) == {holder, version} and finding.faults == 1 for finding in found)


def test_checkpoint_that_the_database_does_not_have_any_more_shows(
    altered: Connection, signed: Check
) -> None:
    altered.exec_driver_sql("DELETE FROM checkpoints WHERE program_id = 1")
    (finding,) = failed(altered, signed)
    assert finding.first is not None
    assert (finding.first.table, finding.first.found) == ("checkpoints", "missing or another")


def test_any_column_of_the_statement_that_changes_shows(books: Connection, signed: Check) -> None:
    for table, column, kind in columns(books, "checkpoints"):
        with books.begin_nested() as attempt:
            where = "program_id = 1"
            if column == "program_id":
                books.exec_driver_sql(f"UPDATE {table} SET program_id = 2 WHERE {where}")
            else:
                value = f"'\\x{'ab' * 32}'" if column == "previous" else ANOTHER[kind].format(column)
                books.exec_driver_sql(f"UPDATE {table} SET {column} = {value} WHERE {where}")
            (finding,) = failed(books, signed)
            assert finding.first is not None
            assert finding.first.table == "checkpoints", column
            attempt.rollback()


# --- The file itself ---


def fault_of(connection: Connection, path: Path, content: bytes, public_key: bytes | None = None) -> str:
    path.write_bytes(content)
    (finding,) = failed(connection, check_of(CheckpointFile(path), public_key))
    assert finding.first is not None
    return finding.first.told()


def header_of(content: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(content.splitlines()[0])
    return header


def with_header(content: bytes, **members: Any) -> bytes:
    """The file with other members in its first line."""
    _, *leaves = content.splitlines(keepends=True)
    changed = json.dumps(header_of(content) | members, ensure_ascii=False, separators=(",", ":"))
    return b"".join((changed.encode() + b"\n", *leaves))


def another(value: Any) -> Any:
    """Another value of the same form."""
    if value is None:
        return "ab" * 32
    if isinstance(value, int):
        return value + 1
    return (
        value[:-2] + ("1Z" if value.endswith("0Z") else "0Z")
        if value.endswith("Z")
        else value[:-1] + ("1" if value.endswith("0") else "0")
    )


def test_any_member_of_the_statement_in_the_file_that_changes_shows(
    books: Connection, evidence: Evidence, tmp_path: Path
) -> None:
    for name, value in header_of(evidence.checkpoint).items():
        content = with_header(evidence.checkpoint, **{name: another(value)})
        told = fault_of(books, tmp_path / name, content, evidence.public_key)
        assert told.startswith("checkpoint file ("), name


def test_any_part_of_any_leaf_that_changes_shows(
    books: Connection, evidence: Evidence, tmp_path: Path
) -> None:
    header, *leaves = evidence.checkpoint.splitlines(keepends=True)
    for number, leaf in enumerate(leaves):
        for place in range(3):
            parts = json.loads(leaf)
            parts[place] = another(parts[place])
            changed = json.dumps(parts, separators=(",", ":")).encode() + b"\n"
            content = b"".join((header, *leaves[:number], changed, *leaves[number + 1 :]))
            assert fault_of(books, tmp_path / "leaf", content).startswith("checkpoint file (")


@pytest.mark.parametrize("how", ["removed", "doubled", "reversed", "cut"])
def test_leaves_in_another_number_or_order_show(
    books: Connection, evidence: Evidence, tmp_path: Path, how: str
) -> None:
    header, *leaves = evidence.checkpoint.splitlines(keepends=True)
    changed = {
        "removed": leaves[:1] + leaves[2:],
        "doubled": [*leaves[:2], *leaves[1:]],
        "reversed": leaves[::-1],
        "cut": [*leaves[:-1], leaves[-1][:40]],
    }[how]
    assert fault_of(books, tmp_path / how, b"".join((header, *changed))).startswith("checkpoint file (")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "checkpoint file (line 1): row must be readable"),
        (b"[]\n", "must be an object"),
        (b"{}\n", "must have the members format, program"),
        (b"\xff\n", "checkpoint file (line 1)"),
        (b"[" * 100_000, "checkpoint file (line 1)"),
    ],
)
def test_file_that_is_no_checkpoint_is_told_by_its_line(
    books: Connection, tmp_path: Path, content: bytes, told: str
) -> None:
    assert told in fault_of(books, tmp_path / "none", content)


def test_line_that_is_no_leaf_is_told(books: Connection, evidence: Evidence, tmp_path: Path) -> None:
    content = evidence.checkpoint + b'["", 1, ""]\n'
    line = len(evidence.checkpoint.splitlines()) + 1
    assert f"checkpoint file (line {line}): row must be readable" in fault_of(books, tmp_path / "x", content)


def test_forger_with_a_key_of_their_own_is_told_from_the_one_whose_key_is_known(
    evidence: Evidence, till: Till, tmp_path: Path
) -> None:
    # A statement about other books, signed soundly: only whose key it is tells it apart.
    till.award("m-1", 1)
    content = checkpoint_file(till, number=666)
    with till.reading() as connection:
        assert failed(connection, check_of(CheckpointFile(_at(tmp_path, content)))) == []
        told = fault_of(connection, tmp_path / "forged", content, evidence.public_key)
    assert f"public_key must be {evidence.public_key.hex()}, and is {signer(666).public_key.hex()}" in told


def _at(folder: Path, content: bytes) -> Path:
    path = folder / "file.ndjson"
    path.write_bytes(content)
    return path


def test_checkpoint_of_another_database_is_told(evidence: Evidence, till: Till) -> None:
    # The till's program bears the same name, and has never signed anything.
    with till.reading() as connection:
        (finding,) = failed(connection, check_of(CheckpointFile(evidence.path)))
    assert finding.first is not None
    assert finding.first.table == "checkpoints"


def test_checkpoint_of_a_program_that_is_not_there_is_told(altered: Connection, signed: Check) -> None:
    altered.exec_driver_sql("UPDATE programs SET name = 'renamed' WHERE program_id = 1")
    (finding,) = failed(altered, signed)
    assert finding.first is not None
    assert finding.first.told() == "programs (name shop): row must be there, and is missing"
