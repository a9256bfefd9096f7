"""Problem details: every refusal has a status, a page and the same bytes each time."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from flask import Flask

from ledger import errors
from ledger.errors import LedgerError, error_class, error_classes
from ledger.http.problems import STATUS, errors_page, problem, problem_body, status_of
from ledger.refusals import RESERVED, settle

from .tiny import nowhere, tiny_app

KINDS = error_classes()


@pytest.fixture(scope="module")
def app() -> Flask:
    return tiny_app(nowhere())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_refusal_has_a_row_in_the_table_and_a_page(kind: type[LedgerError], app: Flask) -> None:
    assert any(base in STATUS for base in kind.__mro__)
    assert 400 <= status_of(kind) <= 599
    assert f'id="{kind.code}"' in errors_page()
    document = orjson.loads(app.test_client().get("/openapi.json").data)
    assert kind.code in document["components"]["responses"]
    assert kind.code in document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]


def test_codes_are_unique_and_a_class_is_found_by_its_code() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all(error_class(kind.code) is kind for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InvalidRequest, 400),
        (errors.IdempotencyKeyMissing, 400),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.MemberUnknown, 404),
        (errors.MethodNotAllowed, 405),
        (errors.PurchaseExists, 409),
        (errors.InFlight, 409),
        (errors.BodyTooLarge, 413),
        (errors.UnsupportedMediaType, 415),
        (errors.InsufficientPoints, 422),
        (errors.IdempotencyKeyReused, 422),
        (errors.InternalError, 500),
        (errors.DatabaseUnavailable, 503),
        (errors.OutcomeUnknown, 503),
    ],
)
def test_statuses_are_those_of_the_contract(kind: type[LedgerError], status: int) -> None:
    assert status_of(kind) == status


def test_a_problem_says_all_that_the_contract_promises() -> None:
    error = errors.InsufficientPoints("70 asked for, 50 available", requested=70, available=50)
    assert problem_body(error, "req-1") == {
        "type": "/docs/errors#insufficient_points",
        "title": "The member has not enough points available",
        "status": 422,
        "detail": "70 asked for, 50 available",
        "code": "insufficient_points",
        "retryable": False,
        "request_id": "req-1",
        "available": 50,
        "requested": 70,
    }


def test_a_recorded_refusal_is_told_again_with_the_same_bytes() -> None:
    first = errors.OccurredInFuture(
        "the event lies in the future",
        now=datetime(2026, 11, 1, tzinfo=UTC),
        rate=Decimal("0.0100"),
        facts={"b": [{"d": 1, "c": datetime(2026, 11, 2, tzinfo=UTC)}], "a": None},
    )
    recorded = orjson.dumps(settle(first.details), option=orjson.OPT_SORT_KEYS)
    again = error_class(first.code)(first.detail, **orjson.loads(recorded))
    assert problem(again, "req-1") == problem(first, "req-1")
    assert b'"now":"2026-11-01T00:00:00.000000Z"' in problem(first, "req-1").body


def test_the_order_in_which_details_are_given_does_not_show() -> None:
    forward = errors.InsufficientPoints("no", available=1, requested=2)
    backward = errors.InsufficientPoints("no", requested=2, available=1)
    assert problem(forward, "r").body == problem(backward, "r").body


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_detail_may_not_take_the_name_of_a_member_that_all_problems_have(name: str) -> None:
    with pytest.raises(AssertionError):
        settle({name: 1})


def test_headers_follow_from_the_kind_of_refusal() -> None:
    assert problem(errors.Unauthenticated("no"), "r").headers == {"WWW-Authenticate": 'Bearer realm="ledger"'}
    assert problem(errors.InFlight("wait"), "r").headers == {"Retry-After": "1"}
    assert problem(errors.DatabaseUnavailable("wait"), "r").headers == {"Retry-After": "1"}
    assert problem(errors.MethodNotAllowed("no", allowed=["GET"]), "r").headers == {"Allow": "GET"}
    assert problem(errors.Forbidden("no", required_scope="earn"), "r").headers == {}
