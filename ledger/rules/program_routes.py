"""Routes of the program itself: what it is, its terms, and the clock of a test program."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from ledger import errors
from ledger.accounts.program import Program
from ledger.accounts.programs import change_terms, set_test_clock
from ledger.clock import show
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, Currency, Instant, Integer, Strict
from ledger.http.services import Call
from ledger.rules.schemas import TermsSchema

routes = Routes("Program", "The program that the key belongs to.")


class ProgramSchema(Answer):
    """A program and the terms in force."""

    program = fields.String(required=True)
    currency = Currency(required=True)
    timezone = fields.String(required=True)
    is_test = fields.Boolean(required=True)
    now = Instant("By the program's clock", required=True)
    terms_version = Integer(1, 2**31 - 1, required=True)
    terms = fields.Nested(TermsSchema, required=True)


class TestClockSchema(Strict):
    """The present of a test program."""

    now = Instant("Not before the present one", required=True)


@routes.get("/v1/program", scope="read", answer=ProgramSchema)
def read_program(call: Call) -> dict[str, Any]:
    """Read the program and its terms."""
    return _shown(call.program, call.now)


@routes.put(
    "/v1/program/terms",
    scope="program:write",
    schema=TermsSchema,
    answer=ProgramSchema,
)
def change_program_terms(call: Call, **terms: Any) -> dict[str, Any]:
    """Put new terms in force.

    They are recorded as the next version and decide whatever is posted from now on; what is in the books
    stays as it was decided.
    """
    changed = call.database.run(lambda connection: change_terms(connection, call.program, terms, call.now))
    return _shown(changed, call.now)


@routes.put(
    "/v1/test-clock",
    scope="test-clock",
    schema=TestClockSchema,
    answer=TestClockSchema,
    refusals=(errors.NotATestProgram, errors.ClockBackwards),
)
def move_test_clock(call: Call, now: datetime) -> dict[str, Any]:
    """Set the clock of a test program.

    The first setting may lie in the past, as long as nothing in the books is later; from then on the
    clock only moves forward. Every rule that depends on time follows it; until it is moved it stands still.
    """
    moved = call.database.run(lambda connection: set_test_clock(connection, call.program, now))
    return {"now": show(moved)}


def _shown(program: Program, now: datetime) -> dict[str, Any]:
    return {
        "program": program.name,
        "currency": program.currency,
        "timezone": program.timezone,
        "is_test": program.is_test,
        "now": show(now),
        "terms_version": program.terms_version,
        "terms": program.terms_object(),
    }
