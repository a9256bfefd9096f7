"""The documentation that the service serves: the document, its viewer, the page of errors. All offline."""

from pathlib import Path
from typing import Final

from flask import Response, current_app

from ledger.access import PUBLIC
from ledger.errors import RouteUnknown
from ledger.http.answers import json_answer
from ledger.http.documents import Document
from ledger.http.endpoint import Routes
from ledger.http.fields import Strict, Text
from ledger.http.problems import errors_page

DOCUMENT: Final = "ledger-document"

_STATIC: Final = Path(__file__).parent / "static"
_VENDOR: Final = _STATIC / "vendor" / "swagger-ui"
_ASSETS: Final = {
    "swagger-ui.css": (_VENDOR, "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (_VENDOR, "text/javascript; charset=utf-8"),
    "viewer.js": (_STATIC / "docs", "text/javascript; charset=utf-8"),
    "errors.css": (_STATIC / "docs", "text/css; charset=utf-8"),
}

routes = Routes("Documentation", "This document, and pages to read it with.")


class AssetQuery(Strict):
    """A file of the viewer."""

    name = Text(required=True)


@routes.get("/openapi.json", scope=PUBLIC, answer={"type": "object"})
def show_document() -> Response:
    """Show this document."""
    document: Document = current_app.extensions[DOCUMENT]
    return json_answer(document.as_json())


@routes.get("/docs", scope=PUBLIC, answer={"type": "string"}, answer_types=("text/html",))
def show_viewer() -> Response:
    """Show the viewer of this document."""
    return Response((_STATIC / "docs" / "index.html").read_bytes(), content_type="text/html; charset=utf-8")


@routes.get("/docs/errors", scope=PUBLIC, answer={"type": "string"}, answer_types=("text/html",))
def show_errors() -> Response:
    """Explain every code of a refusal."""
    return Response(errors_page(), content_type="text/html; charset=utf-8")


@routes.get(
    "/docs/assets/<name>",
    scope=PUBLIC,
    schema=AssetQuery,
    answer={"type": "string"},
    answer_types=("text/css", "text/javascript"),
    refusals=(RouteUnknown,),
)
def show_asset(name: str) -> Response:
    """Show a file of the viewer."""
    if name not in _ASSETS:
        raise RouteUnknown("there is no such file")
    folder, content_type = _ASSETS[name]
    response = Response((folder / name).read_bytes(), content_type=content_type)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
