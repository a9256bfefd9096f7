"""Checks of checkpoints: that the signed statements follow one another, and that the books still lead to one of them.

The chain of a holder proves that nothing in it was changed without changing what comes after. That its end is where it
was is proved by a file that has left the box: the hash that a holder had then is the hash of that entry still. What
came later was recorded later, so nothing can be put into a time that was signed.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final, LiteralString
from uuid import UUID

from sqlalchemy import text

from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.clock import show
from ledger.finance.checkpoints.document import SLACK, Checkpoint, Leaf, Statement, UnreadableCheckpoint
from ledger.finance.checkpoints.files import CheckpointFile
from ledger.finance.checkpoints.making import find_checkpoint
from ledger.finance.checkpoints.merkle import Tree
from ledger.finance.checkpoints.signing import is_signed
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Check, Rows, by_walk

_LEAVES_AT_A_TIME: Final = 5_000

_STATEMENTS: LiteralString = """
SELECT p.name, c.program_id, c.checkpoint_id, c.number, c.made_at, c.holders, c.entries, c.root, c.previous,
       c.public_key, c.signature
  FROM checkpoints c JOIN programs p USING (program_id)
 ORDER BY c.program_id, c.number
"""

# Where each leaf should be found, and what is there instead.
_DIFFERING = text(
    """
    SELECT l.holder_id, l.version, l.head, e.entry_id, e.hash, h.holder_id IS NULL AS is_missing
      FROM unnest(CAST(:holders AS uuid[]), CAST(:versions AS bigint[]), CAST(:heads AS bytea[]))
           WITH ORDINALITY AS l (holder_id, version, head, place)
      LEFT JOIN holders h ON h.holder_id = l.holder_id AND h.program_id = :program_id
      LEFT JOIN entries e ON e.holder_id = l.holder_id AND e.version = l.version
     WHERE h.holder_id IS NULL OR e.hash IS DISTINCT FROM l.head
     ORDER BY l.place
    """
)

_OLDER = text(
    """
    SELECT e.holder_id, max(e.version) AS version, max(e.recorded_at) AS recorded_at
      FROM entries e JOIN holders h USING (holder_id)
     WHERE h.program_id = :program_id AND e.recorded_at < :time
     GROUP BY e.holder_id ORDER BY e.holder_id
    """
)


def _broken_statements(rows: Rows) -> Iterator[Fault]:
    """Every statement that does not follow the one before it, or that its key has not signed."""
    program, before = None, None
    for row in rows.stream(_STATEMENTS):
        name, program_id, checkpoint_id, *said, signature = row
        checkpoint = Checkpoint(Statement(name, checkpoint_id.bytes, *said), signature)
        if program_id != program:
            program, before = program_id, None
        key = {
            "program_id": program_id,
            "checkpoint_id": checkpoint_id,
            "number": checkpoint.statement.number,
        }
        yield from (Fault("checkpoints", key, *wrong) for wrong in _not_following(checkpoint, before))
        before = checkpoint.statement


def _not_following(checkpoint: Checkpoint, before: Statement | None) -> Iterator[tuple[str, str, str]]:
    said = checkpoint.statement
    number = before.number + 1 if before else 1
    if said.number != number:
        yield "number", str(number), str(said.number)
    previous = before.digest() if before else None
    if said.previous != previous:
        yield "previous", _hex(previous), _hex(said.previous)
    if not is_signed(checkpoint):
        yield "signature", f"by {said.public_key.hex()} over this statement", checkpoint.signature.hex()
    if before is None:
        return
    if said.made_at < before.made_at:
        yield "made_at", f"not before {show(before.made_at)}", show(said.made_at)
    for name in ("holders", "entries"):
        if getattr(said, name) < getattr(before, name):
            yield name, f"at least {getattr(before, name)}", str(getattr(said, name))


CHECKS = (
    by_walk(
        "checkpoints",
        "each checkpoint is signed, and names the one before it",
        ("checkpoints",),
        _broken_statements,
    ),
)


def check_of(file: CheckpointFile, public_key: bytes | None = None) -> Check:
    """The check that the books of the file's program lead to the file; with a key, that it is that key's."""
    return by_walk(
        "checkpoint file",
        "what was signed is in the books unchanged, and nothing was put before it since",
        ("holders", "entries"),
        partial(_broken_promises, file, public_key),
    )


def _broken_promises(file: CheckpointFile, public_key: bytes | None, rows: Rows) -> Iterator[Fault]:
    try:
        checkpoint = file.checkpoint()
        wrong = list(_wrong_in_file(checkpoint, file.leaves(), public_key))
    except UnreadableCheckpoint as error:
        wrong = [Fault("checkpoint file", {"line": error.line}, None, "readable", error.message)]
    if wrong:
        # A file that nobody has signed as it is says nothing of the books.
        yield from wrong
        return
    said = checkpoint.statement
    program = find_program(rows.connection, said.program)
    if program is None:
        yield Fault("programs", {"name": said.program}, None, "there", "missing")
        return
    if find_checkpoint(rows.connection, program, said.checkpoint_id) != checkpoint:
        key = {"checkpoint_id": UUID(bytes=said.checkpoint_id), "number": said.number}
        yield Fault("checkpoints", key, None, "as in the file", "missing or another")
    yield from _changed(rows, program, file.leaves())
    yield from _backdated(rows, program, said, file.leaves())


def _wrong_in_file(
    checkpoint: Checkpoint, leaves: Iterable[Leaf], public_key: bytes | None
) -> Iterator[Fault]:
    said = checkpoint.statement
    if public_key is not None and said.public_key != public_key:
        yield _in_file(said, "public_key", public_key.hex(), said.public_key.hex())
    if not is_signed(checkpoint):
        yield _in_file(said, "signature", "that of its public key over the statement", "another")
    tree, entries, last = Tree(), 0, b""
    for line, leaf in enumerate(leaves, 2):
        if leaf.holder_id <= last:
            key = {"line": line, "holder_id": UUID(bytes=leaf.holder_id)}
            yield Fault("checkpoint file", key, "holder_id", "after the one before it", leaf.holder_id.hex())
        tree.add(leaf.encoded())
        entries, last = entries + leaf.version, leaf.holder_id
    for name, counted in (("holders", tree.size), ("entries", entries)):
        if getattr(said, name) != counted:
            yield _in_file(said, name, f"{counted}, as the leaves have it", str(getattr(said, name)))
    if said.root != tree.root():
        yield _in_file(said, "root", f"{tree.root().hex()}, the root of the leaves", said.root.hex())


def _in_file(said: Statement, field: str, expected: str, found: str) -> Fault:
    return Fault("checkpoint file", {"checkpoint_id": UUID(bytes=said.checkpoint_id)}, field, expected, found)


def _changed(rows: Rows, program: Program, leaves: Iterator[Leaf]) -> Iterator[Fault]:
    """Every leaf that the books do not have any more."""
    while some := list(islice(leaves, _LEAVES_AT_A_TIME)):
        given = {
            "program_id": program.program_id,
            "holders": [UUID(bytes=leaf.holder_id) for leaf in some],
            "versions": [leaf.version for leaf in some],
            "heads": [leaf.head for leaf in some],
        }
        for row in rows.connection.execute(_DIFFERING, given):
            if row.is_missing:
                yield Fault("holders", {"holder_id": row.holder_id}, None, "there, as signed", "missing")
                continue
            key: dict[str, Any] = {"holder_id": row.holder_id, "version": row.version}
            if row.entry_id is None:
                yield Fault("entries", key, None, f"there, with the hash {row.head.hex()}", "missing")
            else:
                key |= {"entry_id": row.entry_id}
                yield Fault("entries", key, "hash", f"{row.head.hex()}, as signed", row.hash.hex())


def _backdated(rows: Rows, program: Program, said: Statement, leaves: Iterator[Leaf]) -> Iterator[Fault]:
    """The last entry of every holder that says it is older than the checkpoint, and that the checkpoint has not."""
    time = said.made_at - SLACK
    older = rows.connection.execute(
        _OLDER,
        {"program_id": program.program_id, "time": time},
        execution_options={"yield_per": _LEAVES_AT_A_TIME},
    )
    leaf = next(leaves, None)
    for row in older:
        holder = row.holder_id.bytes
        while leaf is not None and leaf.holder_id < holder:
            leaf = next(leaves, None)
        signed = leaf.version if leaf is not None and leaf.holder_id == holder else 0
        if row.version > signed:
            key = {"holder_id": row.holder_id, "version": row.version}
            expected = f"from {show(time)} on, because the checkpoint does not have it"
            yield Fault("entries", key, "recorded_at", expected, show(row.recorded_at))


def _hex(value: bytes | None) -> str:
    return "nothing" if value is None else value.hex()
