"""The stand-alone verifier accepts what was exported, finds whatever is done to either file, and names the row."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ledger.accounts.chart import BUDGET_ACCOUNTS, MEMO_ACCOUNTS, Account, Unit
from ledger.accounts.holder import GENESIS
from ledger.finance.checkpoints.document import FORMAT as CHECKPOINT_FORMAT
from ledger.finance.checkpoints.document import SLACK
from ledger.finance.checkpoints.export import FORMAT as JOURNAL_FORMAT
from ledger.journal import wire
from ledger.journal.chain import ENTRY_COLUMNS, FORMAT, POSTING_COLUMNS, link
from tests.finance.checkpoints.conftest import Evidence
from tests.finance.histories import live_through
from tests.finance.signing import checkpoint_file, journal_file, signer
from tests.till import Till
from tools import verify_journal

TOOL = Path(verify_journal.__file__)
Rows = list[dict[str, Any]]


def faults(
    evidence: Evidence, journal: bytes | None = None, checkpoint: bytes | None = None
) -> dict[str, str]:
    """The problems that the verifier finds, each with its first row."""
    report, _ = verify_journal.verify(
        BytesIO(evidence.checkpoint if checkpoint is None else checkpoint),
        BytesIO(evidence.journal if journal is None else journal),
        evidence.public_key,
    )
    return report.firsts


def rows_of(evidence: Evidence) -> Rows:
    """The lines of the journal; the first is its head, so that a line's number is its place and one."""
    return [json.loads(line) for line in evidence.journal.splitlines()]


def written(rows: Rows) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def of_each_kind(rows: Rows) -> list[int]:
    """A place of each kind of entry, in the middle of a chain."""
    return list(
        {row["kind"]: place for place, row in enumerate(rows) if place and row["version"] > 2}.values()
    )


# --- What it is made of ---


def test_it_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(TOOL.read_text(encoding="utf-8"))
    imported = {
        (name.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_it_runs_where_no_package_is_installed(evidence: Evidence, tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    journal.write_bytes(evidence.journal)
    command = [sys.executable, "-I", "-S", str(TOOL), str(evidence.path), str(journal)]

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True, check=False)

    sound = run("--public-key", evidence.public_key.hex())
    entries = len(evidence.journal.splitlines()) - 1
    assert sound.returncode == 0
    assert f"Read {entries:,} entries" in sound.stdout
    assert "4 entries are later than the checkpoint" in sound.stdout
    assert sound.stdout.endswith("OK: the journal is what was signed.\n")
    assert "Whose key" in run().stdout
    other = run("--public-key", signer(1).public_key.hex())
    assert (other.returncode, "BROKEN  public key" in other.stdout) == (1, True)
    assert run("--public-key", "abc").returncode == 2
    journal.write_bytes(evidence.journal.replace(b'"amount":', b'"amount":1', 1))
    broken = run()
    assert broken.returncode == 1
    assert "BROKEN  hash" in broken.stdout
    assert broken.stdout.endswith("BROKEN: the journal is not what was signed.\n")
    journal.unlink()
    assert run().returncode == 2


KINDS: dict[type[wire.Array], str] = {
    wire.Uuids: "uuid",
    wire.Int8s: "int8",
    wire.Int4s: "int4",
    wire.Int2s: "int2",
    wire.Moments: "time",
    wire.Texts: "text",
    wire.Jsons: "text",
    wire.Booleans: "boolean",
}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ENTRY_COLUMNS, verify_journal.ENTRY_COLUMNS),
        (POSTING_COLUMNS, verify_journal.POSTING_COLUMNS),
    ],
)
def test_it_knows_every_column_in_its_order(ours: dict[str, Any], theirs: dict[str, str]) -> None:
    told = [(name, kind.rstrip("?")) for name, kind in theirs.items()]
    assert told == [(name, KINDS[kind]) for name, (kind, _) in ours.items()]


def test_it_knows_the_forms_and_the_accounts() -> None:
    assert verify_journal.ENTRY_FORMAT == FORMAT
    assert verify_journal.CHECKPOINT_FORMAT == CHECKPOINT_FORMAT
    assert verify_journal.JOURNAL_FORMAT == JOURNAL_FORMAT
    assert SLACK.total_seconds() * 1_000_000 == verify_journal.SLACK_MICROSECONDS
    points = {account for account in Account if account.unit is Unit.POINT}
    of_members = points - BUDGET_ACCOUNTS - MEMO_ACCOUNTS
    money = {account for account in Account if account.unit is Unit.MONEY}
    assert {
        "points": (of_members, BUDGET_ACCOUNTS, MEMO_ACCOUNTS),
        "growth": ({account for account in Account if account.unit is Unit.GROWTH},),
        "money": (money,),
        "millionths": ({account for account in Account if account.unit is Unit.MICRO},),
    } == verify_journal.ACCOUNTS_BY_UNIT


# --- Sound files ---


def test_what_was_exported_is_what_was_signed(evidence: Evidence) -> None:
    assert faults(evidence) == {}


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_any_history_is_what_was_signed(till: Till, seed: int) -> None:
    live_through(till, seed, steps=120)
    checkpoint = checkpoint_file(till)
    report, _ = verify_journal.verify(BytesIO(checkpoint), BytesIO(journal_file(till)), signer().public_key)
    assert report.firsts == {}


def test_program_without_an_entry_is_what_was_signed(till: Till) -> None:
    checkpoint, journal = checkpoint_file(till), journal_file(till)
    assert len(checkpoint.splitlines()) == len(journal.splitlines()) == 1
    assert verify_journal.verify(BytesIO(checkpoint), BytesIO(journal))[0].firsts == {}


def test_history_has_every_sort_of_row(evidence: Evidence) -> None:
    rows = rows_of(evidence)[1:]
    assert len({row["kind"] for row in rows}) >= 14
    accounts = {posting[side] for row in rows for posting in row["postings"] for side in ("debit", "credit")}
    assert {1, 2, 3, 4, 5, 50, 51, 52, 56, 57, 60, 61, 70, 80, 82, 90} <= accounts


# --- Alterations ---


def another(value: Any, name: str) -> Any:
    """Another value that the column could have."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        if value.endswith("Z") and "T" in value:
            return f"{value[:-2]}{'1' if value[-2] == '0' else '0'}Z"
        if name in ("hash", "entry_id", "holder_id", "parent_entry_id", "peer_holder_id", "lot_id"):
            return value[:-1] + ("1" if value[-1] == "0" else "0")
        return value + "x"
    return {
        "parent_entry_id": "ab" * 16,
        "peer_holder_id": "ab" * 16,
        "lot_id": "ab" * 16,
        "extends_to": "2026-01-01T00:00:00.000000Z",
        "available_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2026-01-01T00:00:00.000000Z",
        "rolling": False,
    }.get(name, "x")


def is_named(found: dict[str, str], place: int) -> bool:
    """Whether any problem is told of the line at that place."""
    return any(first.startswith((f"line {place + 1},", f"line {place + 1}:")) for first in found.values())


def test_alteration_of_any_column_of_any_sort_of_entry_is_found_and_its_line_named(
    evidence: Evidence,
) -> None:
    rows = rows_of(evidence)
    for place in of_each_kind(rows):
        for name in set(rows[place]) - {"postings"}:
            changed = rows[place] | {name: another(rows[place][name], name)}
            content = written([*rows[:place], changed, *rows[place + 1 :]])
            assert is_named(faults(evidence, content), place), name


@pytest.mark.parametrize("value", [None, 0.5, [], {}, True, "\ud800", "", 2**63, 10**400])
def test_value_that_no_column_of_the_sort_can_have_is_found_and_its_line_named(
    evidence: Evidence, value: Any
) -> None:
    rows = rows_of(evidence)
    place = middle(rows)
    for target, names in ((rows[place], set(rows[place])), (rows[place]["postings"][0], POSTING_COLUMNS)):
        for name in names:
            if (before := target[name]) != value or type(before) is not type(value):
                target[name] = value
                content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
                assert is_named(faults(evidence, content), place), name
                target[name] = before


def test_alteration_of_any_column_of_any_posting_is_found_and_its_line_named(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    for place in of_each_kind(rows):
        postings = rows[place]["postings"]
        for number, posting in enumerate(postings):
            for name, value in posting.items():
                changed = posting | {name: another(value, name)}
                entry = rows[place] | {"postings": [*postings[:number], changed, *postings[number + 1 :]]}
                content = written([*rows[:place], entry, *rows[place + 1 :]])
                assert is_named(faults(evidence, content), place), name


@pytest.mark.parametrize("name", ["format", "program"])
def test_alteration_of_the_head_is_found(evidence: Evidence, name: str) -> None:
    head, *rows = rows_of(evidence)
    assert is_named(faults(evidence, written([head | {name: "x"}, *rows])), 0)


def test_a_member_more_or_less_or_twice_is_found(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    for place in (0, 5):
        for name in rows[place]:
            less = {key: value for key, value in rows[place].items() if key != name}
            for line in (less, rows[place] | {"note": 1}):
                assert is_named(faults(evidence, written([*rows[:place], line, *rows[place + 1 :]])), place)
    lines = evidence.journal.splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"kind":', b'"kind":"earn","kind":', 1)
    assert is_named(faults(evidence, b"".join(lines)), 5)


@pytest.mark.parametrize("line", [b"\n", b"{", b"[]\n", b"\xff\n", b"NaN\n", b"[" * 100_000 + b"\n"])
def test_line_that_is_no_entry_is_named(evidence: Evidence, line: bytes) -> None:
    lines = evidence.journal.splitlines(keepends=True)
    assert is_named(faults(evidence, b"".join((*lines[:7], line, *lines[7:]))), 7)


# --- Deletions, insertions, other orders ---


def middle(rows: Rows) -> int:
    """A place in the middle of a member's chain, with entries before and behind it."""
    return next(place for place, row in enumerate(rows) if place and row["version"] == 6)


def heads_of(evidence: Evidence) -> dict[str, int]:
    """The version that each holder had when it was signed."""
    leaves = [json.loads(line) for line in evidence.checkpoint.splitlines()[1:]]
    return {holder: version for holder, version, _ in leaves}


def of_holder(rows: Rows, place: int) -> list[int]:
    holder = rows[place]["holder_id"]
    return [each for each, row in enumerate(rows) if each and row["holder_id"] == holder]


def test_deletion_of_any_entry_is_found(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    signed_heads = heads_of(evidence)
    for place in range(1, len(rows)):
        found = faults(evidence, written(rows[:place] + rows[place + 1 :]))
        row = rows[place]
        if row["version"] <= signed_heads.get(row["holder_id"], 0):
            assert any(row["holder_id"] in first for first in found.values())
        elif place + 1 < len(rows) and rows[place + 1]["holder_id"] == row["holder_id"]:
            assert "versions" in found


def test_deletion_of_any_posting_is_found_and_its_entry_named(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    for place in of_each_kind(rows):
        for number in range(len(rows[place]["postings"])):
            left = rows[place]["postings"][:number] + rows[place]["postings"][number + 1 :]
            entry = rows[place] | {"postings": left}
            found = faults(evidence, written([*rows[:place], entry, *rows[place + 1 :]]))
            assert found["hash"].startswith(f"line {place + 1}, entry {entry['entry_id']}")


def test_cut_of_a_tail_and_of_a_whole_holder_are_found(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    places = of_holder(rows, middle(rows))
    holder = rows[places[0]]["holder_id"]
    tail = [row for place, row in enumerate(rows) if place not in places[-3:]]
    whole = [row for place, row in enumerate(rows) if place not in places]
    assert faults(evidence, written(tail))["missing"].startswith(f"holder {holder}: versions")
    assert faults(evidence, written(whole))["missing"].startswith(f"holder {holder}: versions 1 to")


def test_cut_of_the_end_of_the_file_is_found_at_any_line(evidence: Evidence) -> None:
    lines, rows = evidence.journal.splitlines(keepends=True), rows_of(evidence)
    heads = heads_of(evidence)
    last_signed = max(
        place for place, row in enumerate(rows) if place and row["version"] <= heads.get(row["holder_id"], 0)
    )
    for length in range(last_signed + 1):
        assert faults(evidence, b"".join(lines[:length])), length


def test_insertion_of_an_entry_is_found_wherever_it_is_put(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    inserted = rows[middle(rows)] | {"entry_id": "ab" * 14 + "0000"}
    for place in range(1, len(rows) + 1):
        found = faults(evidence, written([*rows[:place], inserted, *rows[place:]]))
        assert any(inserted["entry_id"] in first for first in found.values()), place


def test_insertion_of_a_posting_is_found_and_its_entry_named(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    for place in of_each_kind(rows):
        postings = rows[place]["postings"]
        entry = rows[place] | {"postings": [*postings, *postings[-1:]]}
        if postings:
            found = faults(evidence, written([*rows[:place], entry, *rows[place + 1 :]]))
            assert found["hash"].startswith(f"line {place + 1}, entry {entry['entry_id']}")


def test_any_two_neighbours_in_another_order_are_found(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    for place in range(1, len(rows) - 1):
        swapped = [*rows[:place], rows[place + 1], rows[place], *rows[place + 2 :]]
        found = faults(evidence, written(swapped))
        assert is_named(found, place) or is_named(found, place + 1), place


def test_postings_in_another_order_are_found(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    place = next(place for place, row in enumerate(rows) if place and len(row["postings"]) > 1)
    rows[place]["postings"].reverse()
    assert {"hash", "postings"} <= faults(evidence, written(rows)).keys()


# --- Forgeries: whoever alters the journal knows the encoding, and hashes everything anew ---


def rehashed(rows: Rows) -> Rows:
    previous, holder = GENESIS, None
    for row in rows[1:]:
        if row["holder_id"] != holder:
            previous, holder = GENESIS, row["holder_id"]
        covered = verify_journal.encoded(verify_journal.ENTRY_COLUMNS, row)
        postings = [verify_journal.encoded(verify_journal.POSTING_COLUMNS, each) for each in row["postings"]]
        previous = link(previous, [covered], [[each] for each in postings])
        row["hash"] = previous.hex()
    return rows


def test_hashing_an_unaltered_journal_anew_changes_nothing(evidence: Evidence) -> None:
    assert rehashed(rows_of(evidence)) == rows_of(evidence)


def test_history_that_is_forged_consistently_is_found_by_the_signature_alone(evidence: Evidence) -> None:
    rows = rows_of(evidence)
    place = middle(rows)
    rows[place]["operator"] = "somebody else"
    assert faults(evidence, written(rehashed(rows))).keys() == {"signed"}
    holder = rows[place]["holder_id"]
    assert holder in faults(evidence, written(rows))["signed"]


def test_every_column_that_is_forged_consistently_is_found(evidence: Evidence) -> None:
    for name in set(rows_of(evidence)[1]) - {"postings", "hash", "holder_id"}:
        rows = rows_of(evidence)
        place = middle(rows)
        holder = rows[place]["holder_id"]
        rows[place][name] = another(rows[place][name], name)
        found = faults(evidence, written(rehashed(rows)))
        assert any(holder in first for first in found.values()), name


def test_later_entry_that_says_it_is_older_than_the_checkpoint_is_found(evidence: Evidence) -> None:
    made_at = verify_journal.microseconds(json.loads(evidence.checkpoint.splitlines()[0])["made_at"])
    for is_new in (False, True):
        rows = rows_of(evidence)
        heads = heads_of(evidence)
        later = [
            place
            for place, row in enumerate(rows)
            if place and row["version"] > heads.get(row["holder_id"], 0)
        ]
        place = next(place for place in later if (rows[place]["version"] == 1) is is_new)
        assert verify_journal.microseconds(rows[place]["recorded_at"]) > made_at
        rows[place]["recorded_at"] = rows[place]["effective_at"] = "2026-01-02T00:00:00.000000Z"
        assert rows[place]["entry_id"] in faults(evidence, written(rehashed(rows)))["backdated"]


Forge = Callable[[Rows, int], None]


def _more_points(rows: Rows, place: int) -> None:
    rows[place]["points_after"] += 1


def _larger_draw(rows: Rows, place: int) -> None:
    posting = next(each for each in rows[place]["postings"] if each["debit"] == 1)
    posting["amount"] += 1_000_000


def _nothing(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["amount"] = 0


def _one_account(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["debit"] = rows[place]["postings"][0]["credit"]


def _another_unit(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["unit"] = 2


def _points_into_a_budget(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["credit"] = 57


def _lot_of_nobody(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["lot_id"] = "ab" * 16


def _no_lot(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["lot_id"] = None


def _foreign_posting(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["holder_id"] = "ab" * 16


def _posting_of_another_entry(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["entry_id"] = rows[place - 1]["entry_id"]


def _ordinal(rows: Rows, place: int) -> None:
    rows[place]["postings"][0]["ordinal"] += 100


def _earlier(rows: Rows, place: int) -> None:
    rows[place]["recorded_at"] = "2025-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("forge", "problem"),
    [
        (_more_points, "balances"),
        (_larger_draw, "lots"),
        (_larger_draw, "balances"),
        (_nothing, "postings"),
        (_one_account, "postings"),
        (_another_unit, "postings"),
        (_points_into_a_budget, "postings"),
        (_lot_of_nobody, "lots"),
        (_no_lot, "lots"),
        (_foreign_posting, "postings"),
        (_posting_of_another_entry, "postings"),
        (_ordinal, "postings"),
        (_earlier, "times"),
    ],
)
def test_books_that_contradict_themselves_are_found_though_every_hash_fits(
    evidence: Evidence, forge: Forge, problem: str
) -> None:
    rows = rows_of(evidence)
    place = next(
        each for each, row in enumerate(rows) if each and row["kind"] == "redeem" and row["version"] > 2
    )
    forge(rows, place)
    assert faults(evidence, written(rehashed(rows)))[problem].startswith(f"line {place + 1}, entry")


# --- The checkpoint ---


def test_any_member_of_the_statement_that_changes_is_found(evidence: Evidence) -> None:
    head, *leaves = evidence.checkpoint.splitlines(keepends=True)
    said = json.loads(head)
    for name, value in said.items():
        for changed in (
            another(value, "hash" if isinstance(value, str) and name != "made_at" else name),
            0.5,
        ):
            content = json.dumps(said | {name: changed}).encode() + b"\n"
            found = faults(evidence, checkpoint=b"".join((content, *leaves)))
            assert is_named(found, 0), name


def test_any_part_of_any_leaf_that_changes_is_found(evidence: Evidence) -> None:
    head, *leaves = evidence.checkpoint.splitlines(keepends=True)
    for number, line in enumerate(leaves):
        for part in range(3):
            leaf = json.loads(line)
            leaf[part] = another(leaf[part], "hash")
            content = b"".join(
                (head, *leaves[:number], json.dumps(leaf).encode() + b"\n", *leaves[number + 1 :])
            )
            assert "leaves" in faults(evidence, checkpoint=content)


@pytest.mark.parametrize("how", ["removed", "doubled", "reversed", "cut", "none", "unreadable"])
def test_leaves_in_another_number_or_order_are_found(evidence: Evidence, how: str) -> None:
    head, *leaves = evidence.checkpoint.splitlines(keepends=True)
    changed = {
        "removed": leaves[:1] + leaves[2:],
        "doubled": [*leaves[:2], *leaves[1:]],
        "reversed": leaves[::-1],
        "cut": [*leaves[:-1], leaves[-1][:40]],
        "none": [],
        "unreadable": [b"null\n", *leaves],
    }[how]
    found = faults(evidence, checkpoint=b"".join((head, *changed)))
    assert found.keys() & {"leaves", "checkpoint"}


def test_file_without_a_statement_is_found(evidence: Evidence) -> None:
    assert "checkpoint" in faults(evidence, checkpoint=b"")
