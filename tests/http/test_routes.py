"""The edge of every route: scopes, headers, addresses that are not there, and what is never said."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ledger.access import PUBLIC, ROLES, SCOPES
from ledger.app import ROUTES, create_app
from ledger.config import Settings
from ledger.http.endpoint import Route, Routes
from ledger.http.headers import REPEATED

from .tiny import Tiny, nowhere, tiny_app, tiny_routes

SERVICE = [route for routes in ROUTES for route in routes.declared]


@pytest.fixture(scope="module")
def app() -> Flask:
    return tiny_app(nowhere())


@pytest.fixture(scope="module")
def service() -> Flask:
    return create_app(Settings(), nowhere())


def test_every_address_of_the_service_declares_a_known_scope() -> None:
    app = create_app(Settings(), nowhere())
    declared = {(route.path, route.method): route for route in SERVICE}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD"}:
            assert declared[rule.rule, method].scope in {PUBLIC, *SCOPES}


@pytest.mark.parametrize("route", SERVICE, ids=lambda route: route.name)
def test_only_health_and_documentation_are_public(route: Route) -> None:
    assert (route.scope == PUBLIC) == (not route.path.startswith("/v1/"))


def test_an_undeclared_address_cannot_be_built() -> None:
    routes = Routes("Sly")
    routes.add_url_rule("/v1/sly", "sly", lambda: "hello", methods=["GET"])
    with pytest.raises(AssertionError, match="/v1/sly is not declared"):
        create_app(Settings(), nowhere(), routes=(routes,))


def test_a_route_without_a_scope_or_with_an_unknown_one_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="scope"):
        Routes("Sly").get("/v1/sly")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no scope 'everything'"):
        Routes("Sly").get("/v1/sly", scope="everything")(lambda: None)


KEYED = [route for route in SERVICE if route.scope != PUBLIC]


def address(route: Route) -> str:
    return route.path.replace("<", "").replace(">", "")


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic eDp5", "lk_a_b"])
def test_without_a_sound_key_no_route_answers_and_no_database_is_asked(
    service: Flask, route: Route, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer: Any = service.test_client().open(
        address(route), method=route.method, headers=headers, data=b"\0" * 100_000
    )
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ledger"'


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_reaches_exactly_the_routes_of_its_scopes(tiny: Tiny, role: str) -> None:
    client = tiny.client(role)
    for route in tiny_routes().declared:
        answer = client._send(route.method, address(route), {})
        if route.scope in ROLES[role]:
            assert answer.status_code != 403
        else:
            assert (answer.status_code, answer.json["required_scope"]) == (403, route.scope)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/nope", "/livez/", "//livez", "/v1//batches", "/v1/é", "/%00"]
)
def test_an_unknown_address_is_a_problem_and_never_a_redirect(app: Flask, path: str) -> None:
    answer: Any = app.test_client().get(path)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_refused_with_those_that_are_known(app: Flask, method: str) -> None:
    answer: Any = app.test_client().open("/livez", method=method)
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/nope", "/docs", "/docs/assets/viewer.js"])
def test_every_answer_carries_the_headers_that_keep_browsers_from_guessing(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("'self'" in policy) == path.startswith("/docs")
    assert "Server" not in headers


def test_nothing_under_v1_may_be_stored(app: Flask) -> None:
    assert app.test_client().get("/v1/nope").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("given", ["a", "A-z.9:_", "x" * 64])
def test_a_sane_request_id_is_echoed(app: Flask, given: str) -> None:
    answer: Any = app.test_client().get("/nope", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given == answer.json["request_id"]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "é", "<script>", "a\tb"])
def test_another_request_id_is_replaced(app: Flask, given: str) -> None:
    answer: Any = app.test_client().get("/nope", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"].startswith("req_")
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("as_off=1", "as_off"),
        ("as_of=2026-11-01T00:00:00Z&as_of=2026-11-01T00:00:00Z", "as_of"),
        ("member_id=m-2", "member_id"),
        ("as_of=2026-11-01T00:00:00", "as_of"),
        ("as_of=%ff", ""),
        ("as_of", ""),
        ("&".join(f"a{n}=1" for n in range(50)), ""),
    ],
)
def test_a_query_is_read_strictly(tiny: Tiny, query: str, field: str) -> None:
    answer = tiny.client().get(f"/v1/members/m-1/echo?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert answer.json["errors"][0]["field"] == field


def test_path_and_query_reach_the_view_as_one_payload_and_times_leave_in_one_form(tiny: Tiny) -> None:
    answer = tiny.client().get("/v1/members/m-1/echo?as_of=2026-11-01T10:00:00%2B08:00")
    assert answer.json == {"member_id": "m-1", "as_of": "2026-11-01T02:00:00.000000Z", "program": "default"}


def test_a_malformed_path_member_is_named(tiny: Tiny) -> None:
    answer = tiny.client().get("/v1/members/a%20b/echo")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "member_id")


def test_every_fault_of_a_body_is_named_by_its_path(tiny: Tiny) -> None:
    line = {"member_id": "m", "points": 1, "reference": "r"}
    body = {"since": "now", "lines": [line, {**line, "points": "5"}, {"points": 1}], "extra": 1}
    answer = tiny.client().put("/v1/members/m-1", body)
    assert answer.status_code == 400
    assert {fault["field"] for fault in answer.json["errors"]} == {
        "since",
        "lines.1.points",
        "lines.2.member_id",
        "lines.2.reference",
        "extra",
    }


def test_a_body_may_not_repeat_what_the_path_says(tiny: Tiny) -> None:
    answer = tiny.client().put("/v1/members/m-1", {"member_id": "m-2"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "member_id")


def test_a_header_that_came_twice_is_refused(tiny: Tiny) -> None:
    answer = tiny.client().get("/v1/members/m/echo", environ_overrides={REPEATED: "AUTHORIZATION"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "Authorization")


def test_a_request_that_does_not_say_whom_it_asks_is_refused(tiny: Tiny) -> None:
    headers = [("Authorization", f"Bearer {tiny.key('admin')}")]
    environ = EnvironBuilder("/v1/members/m/echo", headers=headers).get_environ()
    del environ["HTTP_HOST"]
    body, status, _ = run_wsgi_app(tiny.app, environ, buffered=True)
    assert (status[:3], b'"field":"Host"' in b"".join(body)) == ("400", True)
    # Only the second version of the protocol demands it.
    assert run_wsgi_app(tiny.app, environ | {"SERVER_PROTOCOL": "HTTP/1.0"}, buffered=True)[1] == "200 OK"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.ERROR):
        yield caplog


def test_a_failure_of_ours_is_logged_with_its_request_and_told_without_its_cause(
    tiny: Tiny, logged: pytest.LogCaptureFixture
) -> None:
    answer = tiny.client().get("/v1/broken", headers={"X-Request-Id": "find-me"})
    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (
        500,
        "internal_error",
        True,
    )
    assert b"secret" not in answer.data
    assert "find-me" in logged.text
    assert "the secret is in the message" in logged.text


def test_an_unreachable_database_is_told_as_unavailable(app: Flask) -> None:
    answer: Any = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert app.test_client().get("/livez").json == {"status": "ok"}


def test_a_migrated_database_is_ready(tiny: Tiny) -> None:
    assert tiny.app.test_client().get("/readyz").json == {"status": "ok"}


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE entries DISABLE TRIGGER entries_refuse_change",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_a_database_without_its_guards_or_at_another_schema_is_not_ready(tiny: Tiny, damage: str) -> None:
    tiny.owner.run(lambda connection: connection.exec_driver_sql(damage))
    answer: Any = tiny.app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
