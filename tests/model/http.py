"""Books behind HTTP: every request goes through the whole edge, alone by its own route or in a batch."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import change_terms
from ledger.db import Database
from ledger.expiry.commands import ExpireLots, LapseHolds
from ledger.journal import Request, post
from ledger.journal.commands import Command
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.reversals import Reverse
from ledger.refusals import RESERVED
from ledger.rules.commands import Earning, Purchase
from ledger.rules.returns import Return
from tests.model.driver import Answer, answer_of
from tests.model.postgres import read_snapshot
from tests.model.reference import FORGOTTEN
from tests.model.snapshot import Snapshot
from tests.whole_service import JSON, Tenant

_OPERATIONS: dict[type[Command], tuple[str, str]] = {
    Purchase: ("purchase", "/v1/purchases"),
    Earning: ("earning", "/v1/earnings"),
    Return: ("return", "/v1/purchases/{purchase_id}/returns"),
    Redeem: ("redemption", "/v1/redemptions"),
    Refund: ("refund", "/v1/redemptions/{redemption_id}/refunds"),
    PlaceHold: ("hold", "/v1/holds"),
    CaptureHold: ("capture", "/v1/holds/{hold_id}/capture"),
    ReleaseHold: ("release", "/v1/holds/{hold_id}/release"),
    Transfer: ("transfer", "/v1/transfers"),
    Reverse: ("reversal", "/v1/entries/{entry_id}/reversal"),
}


class HttpDriver:
    """A test program's books, reached as a till reaches them. Its clock is set before each request."""

    clock_may_go_back = False
    takes_expiry = False
    takes_adjustments = False
    may_change_terms = True

    def __init__(self, tenant: Tenant, database: Database) -> None:
        self.tenant = tenant
        self.database = database
        self.program: Program = tenant.program
        self.answered: dict[str, bytes] = {}

    def post(
        self, requests: Sequence[Request], *, now: datetime, atomic: bool = False, dry_run: bool = False
    ) -> list[Answer]:
        self._set_clock(now)
        if all(isinstance(request.command, ExpireLots | LapseHolds) for request in requests):
            # The sweep has no route: it is the operator's.
            assert not dry_run and not any(request.key for request in requests)
            outcomes = self.database.run(lambda c: post(c, self.program, requests, now=now))
            return [answer_of(outcome) for outcome in outcomes]
        query = "?dry_run=true" if dry_run else ""
        if len(requests) == 1 and not atomic:
            return [self._alone(requests[0], query)]
        return self._together(requests, query, atomic)

    def change_terms(self, terms: dict[str, Any], now: datetime) -> None:
        # Past the route, because the model knows lifetimes of no days, which the route refuses.
        self.program = self.database.run(lambda c: change_terms(c, self.program, terms, now))

    def snapshot(self) -> Snapshot:
        with self.database.read() as connection:
            return read_snapshot(connection, self.program.program_id)

    def _set_clock(self, now: datetime) -> None:
        answer = self.tenant.send_raw("PUT", "/v1/test-clock", orjson.dumps({"now": clock.show(now)}))
        assert answer.status_code == 200, answer.data

    def _alone(self, request: Request, query: str) -> Answer:
        _, path = _OPERATIONS[type(request.command)]
        body = body_of(request.command)
        address = path.format(**body)
        for name in body.copy():
            if f"{{{name}}}" in path:
                del body[name]
        answer = self.tenant.send_raw(
            "POST", address + query, orjson.dumps(body), headers={"Idempotency-Key": request.key}
        )
        replayed = answer.headers.get("Idempotency-Replayed") == "true"
        if request.key is not None and not query:
            self.answered.setdefault(request.key, answer.data)
        return _answer(answer.status_code, answer.data, replayed=replayed)

    def _together(self, requests: Sequence[Request], query: str, atomic: bool) -> list[Answer]:
        operations = [
            {
                "operation": _OPERATIONS[type(request.command)][0],
                "idempotency_key": request.key,
                "body": body_of(request.command),
            }
            for request in requests
        ]
        body = orjson.dumps({"atomic": atomic, "operations": operations})
        answer = self.tenant.send("POST", f"/v1/batches{query}", data=body, content_type=JSON)
        assert answer.status_code == 200, answer.data
        results = orjson.loads(answer.data)["results"]
        assert len(results) == len(requests)
        # What a dry run answers is replayed within it, and forgotten with it.
        known = self.answered.copy() if query else self.answered
        return [_item(request, result, known) for request, result in zip(requests, results, strict=True)]


def _item(request: Request, result: dict[str, Any], known: dict[str, bytes]) -> Answer:
    """One result of a batch, which does not say whether it is a replay: the same bytes under its key say it."""
    raw = orjson.dumps(result["body"])
    # What is refused and forgotten is refused anew, though in the same words.
    is_kept = request.key is not None and result["body"].get("code") not in FORGOTTEN
    replayed = is_kept and known.get(request.key or "") == raw
    if is_kept:
        known.setdefault(request.key or "", raw)
    return _answer(result["status"], raw, replayed=replayed)


def body_of(command: Command) -> dict[str, Any]:
    """The members of a request for this command, those of its path included."""
    given = asdict(command)  # type: ignore[call-overload]
    source = given.pop("source")._asdict()
    if paid := given.pop("points_value", 0):
        given["points_value"] = {"amount": paid, "currency": given["currency"]}
    if "lines" in given:
        given["lines"] = [
            {name: value for name, value in line._asdict().items() if value is not None}
            for line in command.lines  # type: ignore[attr-defined]
        ]
    shown = {n: clock.show(v) if isinstance(v, datetime) else v for n, v in {**given, **source}.items()}
    return {name: value for name, value in shown.items() if value is not None}


def _answer(status: int, raw: bytes, *, replayed: bool) -> Answer:
    body = orjson.loads(raw)
    if status == 201:
        # Words are added at the edge; the model knows the facts.
        assert all(set(award.pop("explanation")) == {"en", "zh"} for award in body.get("awards", ()))
        return Answer(body, None, {}, replayed, raw)
    assert 400 <= status < 500, raw
    details = {name: value for name, value in body.items() if name not in RESERVED}
    return Answer(None, body["code"], details, replayed, raw)
