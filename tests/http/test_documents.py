"""The document and its viewer: valid, the same each time, and complete without any outside address."""

import hashlib
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from ledger.access import PUBLIC
from ledger.app import ROUTES, create_app, openapi_document
from ledger.config import Settings
from ledger.http.endpoint import Route

from .tiny import nowhere, tiny_app

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "ledger" / "http" / "static"
VENDOR = STATIC / "vendor" / "swagger-ui"
SERVICE = [route for routes in ROUTES for route in routes.declared]


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(Settings(), nowhere())


@pytest.fixture(scope="module")
def document(app: Flask) -> Any:
    return orjson.loads(app.test_client().get("/openapi.json").data)


def test_the_document_is_valid_openapi(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1.")


def test_a_document_with_path_members_and_lists_is_valid_openapi() -> None:
    made = orjson.loads(tiny_app(nowhere()).test_client().get("/openapi.json").data)
    OpenAPIV31SpecValidator(made).validate()
    refund = made["paths"]["/v1/redemptions/{redemption_id}/refunds"]["post"]
    places = {(parameter["name"], parameter["in"]) for parameter in refund["parameters"]}
    assert places == {("redemption_id", "path"), ("dry_run", "query"), ("Idempotency-Key", "header")}
    body = made["components"]["schemas"]["Refund"]
    assert sorted(body["properties"]) == ["points", "reference"]
    assert body["additionalProperties"] is False


def test_the_document_is_made_the_same_each_time() -> None:
    assert openapi_document("yaml") == openapi_document("yaml")
    assert yaml.safe_load(openapi_document("yaml")) == orjson.loads(openapi_document("json"))


def test_the_committed_document_is_what_the_service_serves(document: Any) -> None:
    committed = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    assert committed == openapi_document("yaml"), "run `ledger openapi > openapi.yaml`"
    assert yaml.safe_load(committed) == document


@pytest.mark.parametrize("route", SERVICE, ids=lambda route: route.name)
def test_every_route_stands_in_the_document_with_its_scope(document: Any, route: Route) -> None:
    page = document["paths"][re.sub("<(.*?)>", r"{\1}", route.path)][route.method.lower()]
    assert page["operationId"] == route.name
    assert page["summary"]
    if route.scope == PUBLIC:
        assert page["security"] == []
    else:
        credentials: list[Any] = [
            {"apiKey": []},
            *([{"memberToken": []}] if route.is_own else []),
        ]
        assert (page["security"], page["x-required-scope"]) == (credentials, route.scope)
        assert {"401", "403", "429", "503"} <= page["responses"].keys()
    for status, response in page["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]


def test_operation_ids_are_unique(document: Any) -> None:
    ids = [page["operationId"] for path in document["paths"].values() for page in path.values()]
    assert len(ids) == len(set(ids))


def test_the_viewer_and_all_that_it_asks_for_come_from_the_service_itself(app: Flask) -> None:
    client = app.test_client()
    for page in ("/docs", "/docs/errors"):
        html = client.get(page).get_data(as_text=True)
        assert not re.search(r"https?:|//\w", html)
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", html), (
            "inline code is refused by the policy"
        )
        for asked in re.findall(r'(?:src|href)="(/[^"]*)"', html):
            assert client.get(asked).status_code == 200
    assert "validatorUrl: null" in client.get("/docs/assets/viewer.js").get_data(as_text=True)


@pytest.mark.parametrize("name", ["../viewer.py", "..%2fviewer.py", "VERSION", "LICENSE", "", "viewer.js%00"])
def test_no_other_file_is_served(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/docs/assets/{name}").status_code in (400, 404)


def test_vendored_files_are_what_their_makers_released() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    sums = {name: expected for expected, name in (line.split("  ") for line in lines)}
    there = {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS", "VERSION"}
    assert there == set(sums)
    for name, expected in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected
    assert "Apache License" in (VENDOR / "LICENSE").read_text()
