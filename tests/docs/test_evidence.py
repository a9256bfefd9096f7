"""The page on evidence: its example is what it says, to both verifiers, and its columns are those of the books."""

import re
from io import BytesIO

import pytest

from ledger.finance.checkpoints.document import SLACK, read_header, read_leaf
from ledger.finance.checkpoints.merkle import root_of
from ledger.finance.checkpoints.signing import is_signed
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS
from tests.docs.pages import blocks, text_of
from tests.finance.signing import signer
from tools import verify_journal

PAGE = "docs/evidence.md"


def example() -> tuple[bytes, bytes]:
    checkpoint, journal = (body.encode() for body in blocks(PAGE, "json"))
    return checkpoint, journal


def test_the_example_is_what_was_signed() -> None:
    checkpoint, journal = example()
    report, told = verify_journal.verify(BytesIO(checkpoint), BytesIO(journal), signer().public_key)
    assert report.firsts == {}
    assert told.startswith("3 entries and 3 postings of 2 holders; 0 entries are later")


def test_the_ledger_reads_the_example_as_the_stranger_does() -> None:
    header, *lines = example()[0].splitlines(keepends=True)
    leaves = [read_leaf(number, line) for number, line in enumerate(lines, 2)]
    checkpoint = read_header(header)
    assert is_signed(checkpoint)
    assert checkpoint.statement.root == root_of(leaf.encoded() for leaf in leaves)


@pytest.mark.parametrize(
    ("head", "columns"),
    [("Columns of an entry", ENTRY_COLUMNS), ("Columns of a posting", POSTING_COLUMNS)],
)
def test_the_page_lists_the_columns_in_the_order_of_the_hash(head: str, columns: dict[str, object]) -> None:
    found = re.search(rf"(?ms)^- {head}.*?:(.*?)\.", text_of(PAGE))
    assert found
    told = re.findall(r"`(\w+)`\s+(?:uuid|int\d|time|text|json|boolean)", found[1])
    assert told == list(columns)


def test_the_page_tells_how_much_older_a_later_entry_may_be() -> None:
    minutes = int(SLACK.total_seconds()) // 60
    assert f"no more than {minutes} minutes before `made_at`" in text_of(PAGE)
