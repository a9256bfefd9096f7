"""Two programs with one rule each, the same rule: in one of them a single fund pays for every award."""

from datetime import datetime

from sqlalchemy import Connection

from benchmarks.books import CURRENCY, seed
from ledger.access.approvals import approve
from ledger.access.principals import Principal
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.accounts.programs import create_program, find_program
from ledger.clock import system_now
from ledger.db import Database
from ledger.funds.commands import Authority, GrantFund
from ledger.ids import show as show_id
from ledger.journal import Request, post
from ledger.rules.register import KIND, activate_approved, propose_activation, save
from ledger.rules.terms import DEFAULT_TERMS

FUND = "bench"
_GRANTED = 10**13
_RULE = {"code": "base", "unit": "POINT", "rate": {"kind": "per_amount", "per": 1, "amount": 100}}


def open_programs(database: Database, members: int) -> tuple[Program, Program]:
    """The program without a fund, and the one whose fund pays; each with so many members who have points."""
    plain, paid = (_open(database, name, funds) for name, funds in (("plain", []), ("funded", [FUND])))
    grant = GrantFund(FUND, _GRANTED, "grant-1", "bench", Authority("apr_bench", "maker", "checker"))
    database.run(lambda connection: post(connection, paid, [Request(grant)], now=system_now()))
    for program in (plain, paid):
        seed(database, program, members)
    return plain, paid


def _open(database: Database, name: str, funds: list[str]) -> Program:
    def make(connection: Connection) -> Program:
        now = system_now()
        program = create_program(
            connection, name, currency=CURRENCY, timezone="Asia/Shanghai", terms=DEFAULT_TERMS, now=now
        )
        _put_in_force(connection, program, {"rules": [{**_RULE, "funds": funds} if funds else _RULE]}, now)
        found = find_program(connection, name)
        assert found is not None
        return found

    return database.run(make)


def _put_in_force(
    connection: Connection, program: Program, content: dict[str, object], now: datetime
) -> None:
    maker, checker = (Principal(key_id, program, "admin", frozenset()) for key_id in ("maker", "checker"))
    version, _ = save(connection, program, HEADQUARTERS, content, by=maker, now=now)
    proposal = propose_activation(connection, program, HEADQUARTERS, version.version, None, by=maker, now=now)
    approval_id = show_id("apr", proposal.approval_id)
    approve(connection, program, {KIND: activate_approved}, approval_id, by=checker, now=now)
