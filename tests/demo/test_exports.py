"""What the demo has posted, checked by programs that are not ours."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from ledger.accounts.programs import find_program
from ledger.db import Database
from ledger.demo.baskets import Basket, read_baskets
from ledger.demo.making import make_program
from ledger.demo.replay import Replay
from ledger.finance.exports.journal import journal_text, window_of
from tests.finance.checkers import complaints, each_checker

from .conftest import half_a_year, needs_data_set


def journal_of(database: Database, baskets: Iterable[Basket], form: str) -> str:
    """The books after these baskets."""
    made = make_program(database)
    Replay(database, made, 1, lambda _: None).run(baskets)
    with database.read() as connection:
        program = find_program(connection, made.name)
        assert program is not None and program.test_now is not None
        window = window_of(None, None, None, program.test_now)
        return "".join(journal_text(connection, program, window, form))


@each_checker
def test_half_a_year_passes(databases: Callable[[], Database], form: str, tmp_path: Path) -> None:
    journal = journal_of(databases(), half_a_year(), form)
    assert journal.count(" earn ent_") + journal.count('"earn ent_') > 500
    assert "expire ent_" in journal
    assert complaints(form, journal, tmp_path) == ""


@needs_data_set
@each_checker
def test_real_baskets_pass(databases: Callable[[], Database], form: str, tmp_path: Path) -> None:
    journal = journal_of(databases(), islice(read_baskets(), 2_000), form)
    assert complaints(form, journal, tmp_path) == ""


@each_checker
def test_demo_with_a_transaction_too_few_does_not_pass(
    databases: Callable[[], Database], form: str, tmp_path: Path
) -> None:
    parts = journal_of(databases(), islice(half_a_year(), 200), form).split("\n\n")
    middle = next(n for n, part in enumerate(parts) if n > len(parts) // 2 and "earn ent_" in part)
    del parts[middle]
    assert complaints(form, "\n\n".join(parts), tmp_path)
