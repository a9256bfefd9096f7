"""What keeps browsers and the curious out, on every route: headers, no debug, nothing beside the declared routes."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from tests.shapes import Page, pages
from tests.whole_service import Tenant, WholeService, open_service

EVERYWHERE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
CLOSED: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
VIEWER: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
IS_SENT: Final = {
    "Content-Type",
    "Content-Length",
    "X-Request-Id",
    "Content-Security-Policy",
    "Cache-Control",
}


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def tenant(service: WholeService) -> Tenant:
    return service.tenant("headers")


def sent(tenant: Tenant, page: Page, **arguments: Any) -> Any:
    name = "swagger-ui.css" if page.route.path.startswith("/docs/assets") else "m-1"
    path = page.path(dict.fromkeys(page.parameters("path"), name))
    return tenant.send(page.route.method, path, **arguments)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.route.name)
@pytest.mark.parametrize("key", ["with a key", "without"])
def test_every_route_sends_the_headers_of_this_list(tenant: Tenant, page: Page, key: str) -> None:
    without = {"headers": {"Authorization": None}} if key == "without" else {}
    head = sent(tenant, page, **without).headers
    assert {name: head.get_all(name) for name in EVERYWHERE} == {
        name: [told] for name, told in EVERYWHERE.items()
    }
    is_viewer = page.route.path.startswith("/docs")
    assert head.get_all("Content-Security-Policy") == [VIEWER if is_viewer else CLOSED]
    assert "unsafe" not in head["Content-Security-Policy"]
    if not is_viewer:
        assert head["Cache-Control"] == "no-store"
    more = {"Allow", "WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy"}
    # Nothing of the software behind it, no cookie, and nothing that lets other sites' pages in.
    assert set(head.keys()) - more <= set(EVERYWHERE) | IS_SENT


@pytest.mark.parametrize(
    "path", ["/", "/debug", "/console", "/v1/debug", "/static/x", "/.env", "/.git/config", "/admin"]
)
def test_there_is_nothing_beside_the_declared_routes(tenant: Tenant, path: str) -> None:
    answer = tenant.send("GET", path)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert EVERYWHERE.items() <= dict(answer.headers).items()


def test_the_environment_of_flask_turns_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLASK_DEBUG", "FLASK_TESTING", "FLASK_ENV", "FLASK_PROPAGATE_EXCEPTIONS"):
        monkeypatch.setenv(name, "1")
    app = create_app(Settings(), Database("postgresql://nobody@/nothing", role=None))
    assert not (app.debug or app.testing or app.config["PROPAGATE_EXCEPTIONS"])

    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError("the cause that nobody is told")

    answer: Any = app.test_client().get("/boom")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert b"nobody is told" not in answer.data
    assert b"Traceback" not in answer.data
