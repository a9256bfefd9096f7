"""A tiny application over the real books: three operations, one of them under another's id, and two reads."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from marshmallow import fields, validate

from ledger import clock
from ledger.access.register import create_key
from ledger.accounts.program import Program
from ledger.accounts.programs import create_program
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import InsufficientPoints, MemberUnknown, RedemptionUnknown
from ledger.http import batches, health, viewer
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, CallerId, Instant, Integer, LedgerId, Points, Strict, Text
from ledger.http.operations import Operation
from ledger.http.services import Call
from ledger.redemption.commands import Redeem, Refund
from ledger.rules.commands import Earning
from ledger.rules.terms import DEFAULT_TERMS


class EarningSchema(Strict):
    member_id = CallerId(required=True)
    points = Points(required=True)
    reason = Text(required=True)
    reference = CallerId(required=True)


class RedemptionSchema(Strict):
    member_id = CallerId(required=True)
    points = Points(required=True)
    reference = CallerId(required=True)


class RefundSchema(Strict):
    redemption_id = LedgerId("red", required=True)
    points = Points(required=True)
    reference = CallerId(required=True)


class EchoSchema(Strict):
    member_id = CallerId(required=True)
    since = Instant()
    lines = fields.List(fields.Nested(RedemptionSchema), validate=validate.Length(1, 5))


class EchoQuery(Strict):
    member_id = CallerId(required=True)
    as_of = Instant()


class PostedSchema(Answer):
    entry_id = LedgerId("ent", required=True)
    account_version = Integer(1, 2**53 - 1, required=True)


EARNING = Operation(
    name="earning",
    path="/v1/earnings",
    scope="award",
    schema=EarningSchema,
    answer=PostedSchema,
    build=lambda payload: Earning(**payload),
    summary="Award points",
)
REDEMPTION = Operation(
    name="redemption",
    path="/v1/redemptions",
    scope="redeem",
    schema=RedemptionSchema,
    answer=PostedSchema,
    build=lambda payload: Redeem(**payload),
    summary="Redeem points",
    refusals=(InsufficientPoints, MemberUnknown),
)
REFUND = Operation(
    name="refund",
    path="/v1/redemptions/<redemption_id>/refunds",
    scope="refund",
    schema=RefundSchema,
    answer=PostedSchema,
    build=lambda payload: Refund(**payload),
    summary="Refund a redemption",
    refusals=(RedemptionUnknown,),
)


def tiny_routes() -> Routes:
    """The routes, declared afresh: a blueprint belongs to the applications that it was registered with."""
    routes = Routes("Tiny", "For tests.")
    for operation in (EARNING, REDEMPTION, REFUND):
        routes.posting(operation)

    @routes.get("/v1/members/<member_id>/echo", scope="read", schema=EchoQuery, answer=PostedSchema)
    def echo(call: Call, member_id: str, as_of: Any = None) -> dict[str, Any]:
        """Say what was asked."""
        return {"member_id": member_id, "as_of": as_of, "program": call.program.name}

    @routes.put("/v1/members/<member_id>", scope="members:write", schema=EchoSchema, answer=PostedSchema)
    def put_echo(_call: Call, **payload: Any) -> tuple[dict[str, Any], int]:
        """Say what was sent."""
        return payload, 201

    @routes.get("/v1/broken", scope="read", answer=PostedSchema)
    def broken(_call: Call) -> None:
        """Fail."""
        raise RuntimeError("the secret is in the message")

    return routes


def tiny_app(database: Database) -> Flask:
    return create_app(
        Settings(),
        database,
        routes=(tiny_routes(), batches.routes, health.routes, viewer.routes),
    )


def nowhere() -> Database:
    """A database that nobody connects to: for tests of what is decided before it is asked."""
    return Database("postgresql://nobody@127.0.0.1:1/nothing", role=None)


@dataclass
class Tiny:
    """The application, a program in its database, and keys for it."""

    app: Flask
    owner: Database
    program: Program

    def key(self, role: str) -> str:
        now = clock.system_now()
        return self.owner.run(lambda connection: create_key(connection, self.program, role, now=now)).token

    def client(self, role: str = "admin") -> "Client":
        return Client(self.app.test_client(), self.key(role))


@dataclass
class Client:
    """A caller with a key, who gives every posting an idempotency key of its own unless told otherwise."""

    flask: FlaskClient
    token: str
    posted: int = 0

    def get(self, path: str, **arguments: Any) -> Any:
        return self._send("GET", path, arguments)

    def put(self, path: str, json: Any) -> Any:
        return self._send("PUT", path, {"json": json})

    def post(self, path: str, json: Any = None, *, key: str | None = "", **arguments: Any) -> Any:
        self.posted += 1
        headers = dict(arguments.pop("headers", {}))
        if key is not None:
            headers["Idempotency-Key"] = key or f"key-{id(self)}-{self.posted}"
        if json is not None:
            arguments["json"] = json
        return self._send("POST", path, {**arguments, "headers": headers})

    def _send(self, method: str, path: str, arguments: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **arguments.pop("headers", {})}
        return self.flask.open(path, method=method, headers=headers, **arguments)


def make_program(owner: Database, name: str = "default") -> Program:
    return owner.run(
        lambda connection: create_program(
            connection,
            name,
            currency="CNY",
            timezone="Asia/Shanghai",
            terms=DEFAULT_TERMS,
            now=clock.system_now(),
        )
    )
