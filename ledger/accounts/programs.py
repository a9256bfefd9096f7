"""Programs: the tenants, each with its currency, its time zone, its terms and, for tests, its own clock."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, cast, func, insert, select, update

from ledger.accounts.models import holders, program_terms, programs
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import ClockBackwards, NotATestProgram, ProgramExists


def select_program() -> Select[Any]:
    """The columns of a ``Program``, with the terms in force; add the condition."""
    return select(
        programs.c.program_id,
        programs.c.name,
        programs.c.currency,
        programs.c.timezone,
        programs.c.terms_version,
        # As text: the bytes that were recorded, parsed once per version.
        cast(program_terms.c.terms, Text).label("terms"),
        programs.c.is_test,
        programs.c.test_now,
    ).join_from(
        programs,
        program_terms,
        (program_terms.c.program_id == programs.c.program_id)
        & (program_terms.c.version == programs.c.terms_version),
    )


def program_of(row: Row[Any]) -> Program:
    """The program in a row of ``select_program``."""
    return Program(
        row.program_id,
        row.name,
        row.currency,
        row.timezone,
        row.terms_version,
        row.terms,
        row.is_test,
        row.test_now,
    )


def find_program(connection: Connection, name: str) -> Program | None:
    """The program of that name."""
    row = connection.execute(select_program().where(programs.c.name == name)).one_or_none()
    return program_of(row) if row else None


def create_program(
    connection: Connection,
    name: str,
    *,
    currency: str,
    timezone: str,
    terms: dict[str, Any],
    now: datetime,
    is_test: bool = False,
    test_now: datetime | None = None,
) -> Program:
    """A new program with version 1 of its terms. Refuses a name that is taken (``program_exists``).

    A test program's clock is the system's until it is set, here by ``test_now`` or later.
    """
    if find_program(connection, name):
        raise ProgramExists(f"a program named {name} exists", program=name)
    program_id = connection.execute(
        insert(programs)
        .values(
            name=name,
            currency=currency,
            timezone=timezone,
            is_test=is_test,
            test_now=test_now,
            terms_version=1,
            created_at=now,
        )
        .returning(programs.c.program_id)
    ).scalar_one()
    connection.execute(
        insert(program_terms).values(program_id=program_id, version=1, terms=terms, recorded_at=now)
    )
    program = find_program(connection, name)
    assert program is not None
    return program


def change_terms(connection: Connection, program: Program, terms: dict[str, Any], now: datetime) -> Program:
    """Record the next version of the terms and put it in force. Locks the program's row."""
    version = connection.execute(
        update(programs)
        .where(programs.c.program_id == program.program_id)
        .values(terms_version=programs.c.terms_version + 1)
        .returning(programs.c.terms_version)
    ).scalar_one()
    connection.execute(
        insert(program_terms).values(
            program_id=program.program_id, version=version, terms=terms, recorded_at=now
        )
    )
    changed = find_program(connection, program.name)
    assert changed is not None
    return changed


def set_test_clock(connection: Connection, program: Program, now: datetime) -> datetime:
    """Set a test program's clock, and move it forward. Locks the program's row.

    The first setting may be anywhere, even in the past, as long as nothing in the books is later; from
    then on it refuses to go back (``test_clock_backwards``).
    """
    is_test, reached = connection.execute(
        select(programs.c.is_test, programs.c.test_now)
        .where(programs.c.program_id == program.program_id)
        .with_for_update(key_share=True)
    ).one()
    if not is_test:
        raise NotATestProgram(f"{program.name} is not a test program; its clock is the system's")
    reached = reached or _latest_recorded(connection, program)
    if reached is not None and now < reached:
        raise ClockBackwards("a test clock only moves forward", now=show(reached), requested=show(now))
    connection.execute(
        update(programs).where(programs.c.program_id == program.program_id).values(test_now=now)
    )
    return now


def _latest_recorded(connection: Connection, program: Program) -> datetime | None:
    query = select(func.max(holders.c.recorded_at)).where(holders.c.program_id == program.program_id)
    latest: datetime | None = connection.execute(query).scalar_one()
    return latest


def list_programs(connection: Connection) -> list[Program]:
    """Every program, by name."""
    return [program_of(row) for row in connection.execute(select_program().order_by(programs.c.name))]
