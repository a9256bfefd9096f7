"""Batches: many operations in one request, each answered exactly as its own route would answer it.

A JSON batch is one unit of work. A stream of lines is as long as it likes: it is posted in chunks as it
arrives, answered line by line, and held in memory one chunk at a time.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from flask import Response, g, request
from marshmallow import fields, validate
from sqlalchemy import Connection

from ledger.access import Principal
from ledger.access.audit_log import Asked, Denial
from ledger.errors import BatchAborted, BodyTooLarge, InternalError, LedgerError, TillBatchChanged
from ledger.http.admission import admit
from ledger.http.answers import encode
from ledger.http.backpressure import patient, writability
from ledger.http.endpoint import Route, Routes, is_dry_run
from ledger.http.fields import Answer, CallerId, Integer, Strict, Text, Truth
from ledger.http.headers import check_key
from ledger.http.operations import Operation, load
from ledger.http.parsing import (
    BATCH_BODY_LIMIT,
    BODY_LIMIT,
    JSON,
    NDJSON,
    TooLong,
    inspect,
    media_type,
    read_body,
    read_lines,
    read_loosely,
    refuse,
)
from ledger.http.problems import status_of
from ledger.http.services import Services, services
from ledger.http.submit import Reply, count, refusal, reply_of, submit
from ledger.journal import Outcome
from ledger.journal import Request as Posting
from ledger.journal.till_batches import device_state, register
from ledger.money import MAX_AMOUNT

MAX_OPERATIONS = 1_000
_MEMBERS = frozenset({"operation", "idempotency_key", "body"})
_log = logging.getLogger(__name__)


class OperationSchema(Strict):
    """One operation. In the body stand the members of its own route's body, and those of its path."""

    operation = Text(required=True, description="Its name, such as redemption")
    idempotency_key = Text(255, required=True, description="As in the header of its own route")
    body = fields.Dict(required=True)


class NumberedSchema(Strict):
    """The device that a batch comes from, and which of its batches it is."""

    device_id = CallerId("The till", required=True)
    sequence = Integer(1, MAX_AMOUNT, "The device's own number of the batch, from 1 on", required=True)


class BatchSchema(Strict):
    """Up to 1,000 operations, decided in order."""

    device = fields.Nested(
        NumberedSchema, metadata={"description": "Of a till that was offline: so that a gap is seen"}
    )
    atomic = Truth("Apply all of them or none", load_default=False)
    operations = fields.List(
        fields.Nested(OperationSchema), required=True, validate=validate.Length(1, MAX_OPERATIONS)
    )


class _Envelope(Strict):
    """A batch as it is read: each operation is read on its own, so that each fails on its own."""

    atomic = Truth(load_default=False)
    device = fields.Nested(NumberedSchema)
    operations = fields.List(
        fields.Raw(allow_none=True), required=True, validate=validate.Length(1, MAX_OPERATIONS)
    )


class ResultSchema(Answer):
    """The answer to one operation: status and body of its own route."""

    status = fields.Integer(required=True)
    body = fields.Dict(required=True)


class ArrivedSchema(Answer):
    """What of a device's batches has arrived."""

    device_id = CallerId(required=True)
    sequence = Integer(1, MAX_AMOUNT, required=True)
    repeated = fields.Boolean(required=True, metadata={"description": "Whether it had arrived before"})
    missing = fields.List(
        Integer(1, MAX_AMOUNT),
        required=True,
        metadata={"description": "Numbers among the last 1,000 that have not arrived"},
    )


class BatchAnswerSchema(Answer):
    """The answers, in the order of the operations."""

    results = fields.List(fields.Nested(ResultSchema), required=True)
    device = fields.Nested(
        ArrivedSchema, metadata={"description": "Left out where the batch names no device"}
    )


class Read(NamedTuple):
    """An operation that could be read."""

    operation: Operation
    posting: Posting


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a batch, and how: all that outlives the request's own context while its lines are read."""

    services: Services
    principal: Principal
    request_id: str
    dry_run: bool

    def read(self, item: object) -> Read | LedgerError:
        """The operation in an item of a batch, or why it cannot be posted."""
        try:
            return self._read(item)
        except LedgerError as error:
            return error

    def read_line(self, line: bytes | TooLong) -> Read | LedgerError:
        """The operation in a line, or why it cannot be posted."""
        if isinstance(line, TooLong):
            return BodyTooLarge(f"the line is longer than {BODY_LIMIT} bytes", limit_bytes=BODY_LIMIT)
        try:
            return self._read(read_loosely(line))
        except LedgerError as error:
            return error

    def post(self, items: list[Read | LedgerError], *, atomic: bool = False) -> list[Reply]:
        """The replies to these items, in order; one unit of work."""
        refused = next((i for i, item in enumerate(items) if isinstance(item, LedgerError)), None)
        if atomic and refused is not None:
            aborted = BatchAborted("another operation of the atomic batch was refused", index=refused)
            items = [item if isinstance(item, LedgerError) else aborted for item in items]
        outcomes = iter(self._submit([item.posting for item in items if isinstance(item, Read)], atomic))
        return [
            self._reply(item.operation, next(outcomes)) if isinstance(item, Read) else self._refuse(item)
            for item in items
        ]

    def post_anyway(self, items: list[Read | LedgerError]) -> list[Reply]:
        """Like ``post``, but a unit of work that fails answers for each of its items: the stream goes on."""
        try:
            return self.post(items)
        except LedgerError as error:
            failure = error
        except Exception:  # noqa: BLE001  a stream has no other place left to fail in
            _log.exception("a chunk of a stream failed, request %s", self.request_id)
            failure = InternalError("the ledger failed; nothing of this chunk was written")
        return [self._refuse(item if isinstance(item, LedgerError) else failure) for item in items]

    def _reply(self, operation: Operation, outcome: Outcome) -> Reply:
        count(self.services, operation.name, outcome, dry_run=self.dry_run)
        return reply_of(operation, outcome)

    def _refuse(self, error: LedgerError) -> Reply:
        self.services.meters.refused(error.code)
        return refusal(error, self.request_id)

    def _read(self, item: object) -> Read:
        if not isinstance(item, dict):
            refuse("an operation must be an object")
        for name in item:
            if name not in _MEMBERS:
                refuse("is not a known member here", name)
        operation = self._operation(item.get("operation"))
        self._require(operation)
        key = item.get("idempotency_key")
        if key is not None or (operation.needs_key and not self.dry_run):
            key = check_key(key, "idempotency_key")
        body = item.get("body")
        if not isinstance(body, dict):
            refuse("must be an object", "body")
        # The body alone, so that a fault in it is named as on the operation's own route.
        inspect(body)
        command, fingerprint = operation.read(body), operation.fingerprint(body)
        caller = self.principal.key_id
        return Read(operation, Posting(command, key, fingerprint, self.request_id, caller, operation.action))

    def _require(self, operation: Operation) -> None:
        try:
            self.principal.require(operation.scope)
        except LedgerError as error:
            asked = Asked(operation.action, _ROUTE.path, self.request_id)
            status, who = status_of(type(error)), self.principal
            self.services.denials.note(Denial(asked, status, error.code, who, is_repeatable=True))
            raise

    def _operation(self, name: object) -> Operation:
        operation = self.services.operations.get(name) if isinstance(name, str) else None
        if operation is None:
            known = ", ".join(sorted(self.services.operations))
            refuse(f"must be one of {known}", "operation")
        return operation

    def _submit(self, postings: list[Posting], atomic: bool) -> Iterable[Any]:
        if not postings:
            return ()
        return submit(self.services, self.principal, postings, dry_run=self.dry_run, atomic=atomic)


routes = Routes("Batches", "Many operations in one request.")


def post_batch() -> Response:
    """Answer a batch, or a stream of lines."""
    principal = admit(_ROUTE.scope)
    sender = Sender(services(), principal, g.request_id, is_dry_run())
    if media_type(request, JSON, NDJSON) == NDJSON:
        answers = answer_lines(sender, read_lines(request.stream))
        return Response(patient(answers, writability(request.environ)), content_type=NDJSON)
    document = read_loosely(read_body(request, BATCH_BODY_LIMIT))
    envelope = load(_ENVELOPE, document)
    items = [sender.read(item) for item in envelope["operations"]]
    arrived = _register(sender, envelope) if "device" in envelope else None
    replies = sender.post(items, atomic=envelope["atomic"])
    results = b",".join(_result(reply) for reply in replies)
    told = b"" if arrived is None else b',"device":' + encode(arrived)
    return Response(b'{"results":[' + results + b"]" + told + b"}", content_type=JSON)


def _register(sender: Sender, envelope: dict[str, Any]) -> dict[str, Any]:
    """Note that a device's batch has arrived, before anything of it is posted; a dry run notes nothing."""
    device, operations, program = envelope["device"], envelope["operations"], sender.principal.program
    if sender.dry_run:
        return {**device, "repeated": False, "missing": []}
    # By the standard library: no item has been found sound yet, and this reads whatever JSON can say.
    digest = sha256(
        json.dumps([envelope["atomic"], operations], sort_keys=True, default=str).encode()
    ).digest()

    def note(connection: Connection) -> dict[str, Any]:
        repeated = register(
            connection,
            program,
            **device,
            digest=digest,
            operations=len(operations),
            now=program.now(sender.services.clock()),
        )
        return {
            **device,
            "repeated": repeated,
            "missing": device_state(connection, program, device["device_id"])["missing"],
        }

    return sender.services.database.run(note)


def answer_lines(sender: Sender, lines: Iterator[bytes | TooLong]) -> Iterator[bytes]:
    """The answers to a stream of operations, each on its line, in order.

    Where the stream itself breaks off, what came before is posted, and a last line says so.
    """
    items = _read_items(sender, lines)
    while chunk := list(islice(items, MAX_OPERATIONS)):
        yield b"".join(_result(reply) + b"\n" for reply in sender.post_anyway(chunk))


def _read_items(sender: Sender, lines: Iterator[bytes | TooLong]) -> Iterator[Read | LedgerError]:
    try:
        for line in lines:
            yield sender.read_line(line)
    except LedgerError as broken:
        yield broken


def _result(reply: Reply) -> bytes:
    return b'{"status":%d,"body":%b}' % (reply.status, reply.body)


_ENVELOPE = _Envelope()
_ROUTE = Route(
    method="POST",
    path="/v1/batches",
    scope="batch",
    name="post_batch",
    summary="Post many operations",
    description=(
        "Each operation is answered as its own route would answer it; the refusal of one never fails "
        "another, unless the batch is `atomic`. As `application/x-ndjson`, one operation stands on each line "
        "and one result on each line of the answer, without a limit to their number: read while you send. A till that "
        "was offline names its `device` and numbers its batches: late, shuffled and repeated ones give the same books, "
        "and the answer tells which numbers are missing."
    ),
    refusals=(TillBatchChanged,),
    schema=BatchSchema,
    answer=BatchAnswerSchema,
    takes_dry_run=True,
    media_types=(JSON, NDJSON),
    answer_types=(JSON, NDJSON),
)
routes.add(_ROUTE, post_batch)
