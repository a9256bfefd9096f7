"""Programs: the tenants, each with its currency, its time zone, its terms and, for tests, its own clock."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Text, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from ledger.accounts.models import (
    deferral_policies,
    holders,
    program_terms,
    programs,
    rates,
    rule_activations,
    rule_sets,
    rule_switches,
)
from ledger.accounts.program import Activation, Program, RateVersion, Rules, TermsVersion
from ledger.clock import show
from ledger.errors import ClockBackwards, NotATestProgram, ProgramExists
from ledger.money import exponent


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
        programs.c.stamp,
    ).join_from(
        programs,
        program_terms,
        (program_terms.c.program_id == programs.c.program_id)
        & (program_terms.c.version == programs.c.terms_version),
    )


def program_of(connection: Connection, row: Row[Any]) -> Program:
    """The program in a row of ``select_program``, with the rules that go with it."""
    return Program(
        row.program_id,
        row.name,
        row.currency,
        row.timezone,
        row.terms_version,
        row.terms,
        row.is_test,
        row.test_now,
        read_rules(connection, row.program_id, row.stamp),
        row.stamp,
    )


_RULES_KEPT = 256
_rules_by_stamp: dict[UUID, Rules] = {}


def read_rules(connection: Connection, program_id: int, stamp: UUID) -> Rules:
    """What decides postings beside the terms in force; read once in a process for each stamp.

    Whoever changes any of it gives the program a new stamp in the same transaction (``touch``), so what is
    kept under a stamp is never older than the stamp.
    """
    rules = _rules_by_stamp.get(stamp)
    if rules is None:
        rules = _read_rules(connection, program_id)
        while len(_rules_by_stamp) >= _RULES_KEPT:
            # The oldest first. Another thread may have been quicker.
            _rules_by_stamp.pop(next(iter(_rules_by_stamp)), None)
        _rules_by_stamp[stamp] = rules
    return rules


def lock_program(connection: Connection, program: Program) -> None:
    """Lock a program's row: nobody changes what decides its postings, or who may post, until the transaction ends."""
    locked = select(programs.c.program_id).where(programs.c.program_id == program.program_id)
    connection.execute(locked.with_for_update(key_share=True))


def touch(connection: Connection, program_id: int) -> None:
    """Give a program a new stamp, because what decides its postings, or who may post, has changed.

    Locks the program's row.
    """
    connection.execute(
        update(programs).where(programs.c.program_id == program_id).values(stamp=func.gen_random_uuid())
    )


def _read_rules(connection: Connection, program_id: int) -> Rules:
    activations = connection.execute(
        select(
            rule_activations.c.owner,
            rule_activations.c.version,
            rule_activations.c.active_from,
            cast(rule_sets.c.content, Text),
        )
        .join_from(rule_activations, rule_sets)
        .where(rule_activations.c.program_id == program_id)
        .order_by(rule_activations.c.active_from, rule_activations.c.activation_id)
    )
    latest = (
        select(rule_switches.c.kind, rule_switches.c.code, rule_switches.c.is_on)
        .where(rule_switches.c.program_id == program_id)
        .ext(distinct_on(rule_switches.c.kind, rule_switches.c.code))
        .order_by(rule_switches.c.kind, rule_switches.c.code, rule_switches.c.switch_id.desc())
    )
    switched = {(row.kind, row.code): row.is_on for row in connection.execute(latest)}
    off = {of_what for of_what, is_on in switched.items() if not is_on}
    versions = connection.execute(
        select(program_terms.c.version, program_terms.c.recorded_at, cast(program_terms.c.terms, Text))
        .where(program_terms.c.program_id == program_id)
        .order_by(program_terms.c.version)
    )
    return Rules(
        tuple(Activation(*row) for row in activations),
        frozenset(code for kind, code in off if kind == "rule"),
        frozenset(code for kind, code in off if kind == "campaign"),
        tuple(TermsVersion(*row) for row in versions),
        _read_rates(connection, program_id),
        {code: is_on for (kind, code), is_on in switched.items() if kind == "band"},
    )


def _read_rates(connection: Connection, program_id: int) -> tuple[RateVersion, ...]:
    rows = connection.execute(
        select(*(rates.c[name] for name in RateVersion._fields))
        .where(rates.c.program_id == program_id)
        .order_by(rates.c.valid_from, rates.c.version)
    )
    return tuple(RateVersion(*row) for row in rows)


def find_program(connection: Connection, name: str) -> Program | None:
    """The program of that name."""
    row = connection.execute(select_program().where(programs.c.name == name)).one_or_none()
    return program_of(connection, row) if row else None


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
    """A new program with version 1 of its terms, its rate and its deferral policy.

    Refuses a name that is taken (``program_exists``).

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
    connection.execute(insert(rates).values(program_id=program_id, recorded_at=now, **first_rate(currency)))
    connection.execute(
        insert(deferral_policies).values(program_id=program_id, recorded_at=now, **FIRST_POLICY)
    )
    program = find_program(connection, name)
    assert program is not None
    return program


FIRST_POLICY: dict[str, Any] = {
    "version": 1,
    "policy_id": UUID(int=0),
    "applies_from": date(1970, 1, 1),
    "method": "deferral_relative_ssp",
    "tax_rate": Decimal(0),
    "reason": "the policy that a program begins with",
}
"""How the points of a program are measured until finance decides: as a share of the price, at the bid."""


def first_rate(currency: str) -> dict[str, Any]:
    """The rate that a program begins with, from the beginning of time on: one point is one minor unit."""
    minor = Decimal(1).scaleb(-exponent(currency))
    return {
        "version": 1,
        "valid_from": datetime(1970, 1, 1, tzinfo=UTC),
        "bid": minor,
        "ask": minor,
        "floor": minor * 7 / 10,
        "ceiling": minor * 13 / 10,
        "max_step": Decimal("0.2"),
        "reason": "the rate that a program begins with",
    }


def change_terms(connection: Connection, program: Program, terms: dict[str, Any], now: datetime) -> Program:
    """Record the next version of the terms and put it in force. Locks the program's row."""
    version = connection.execute(
        update(programs)
        .where(programs.c.program_id == program.program_id)
        .values(terms_version=programs.c.terms_version + 1, stamp=func.gen_random_uuid())
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
        update(programs)
        .where(programs.c.program_id == program.program_id)
        .values(test_now=now, stamp=func.gen_random_uuid())
    )
    return now


def _latest_recorded(connection: Connection, program: Program) -> datetime | None:
    query = select(func.max(holders.c.recorded_at)).where(holders.c.program_id == program.program_id)
    latest: datetime | None = connection.execute(query).scalar_one()
    return latest


def list_programs(connection: Connection) -> list[Program]:
    """Every program, by name."""
    rows = connection.execute(select_program().order_by(programs.c.name)).all()
    return [program_of(connection, row) for row in rows]
