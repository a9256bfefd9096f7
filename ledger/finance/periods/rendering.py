"""A close pack in its forms: the bytes that were hashed, its tables as CSV, and a page to print."""

from hashlib import sha256
from typing import Any, Final

import orjson
from flask import Response

from ledger.finance.periods.page import CONTENT_SECURITY_POLICY, page_of_pack
from ledger.finance.rendering import JSON_FORM
from ledger.finance.tables import Report, Table, csv_of
from ledger.http.answers import CSP
from ledger.http.parsing import CSV, JSON

HTML: Final = "text/html"
PACK_TYPES: Final = (JSON, CSV, HTML)


def pack_answer(text: str, form: str) -> Response:
    """The answer of the route that shows a pack, from the text that was hashed."""
    if form == JSON_FORM:
        return Response(text, content_type=JSON)
    pack = orjson.loads(text)
    if form == "csv":
        return Response(csv_of(report_of(pack)), content_type=f"{CSV}; charset=utf-8")
    page = page_of_pack(pack, sha256(text.encode()).hexdigest())
    headers = {CSP: f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"}
    return Response(page, content_type=f"{HTML}; charset=utf-8", headers=headers)


def report_of(pack: dict[str, Any]) -> Report:
    """A pack as tables: every list in it is one."""
    tables = []
    for name, rows in _lists(pack):
        columns = tuple(dict.fromkeys(column for row in rows for column in row)) if rows else ()
        tables.append(Table(name, columns, rows))
    return Report(pack, *tables)


def _lists(pack: dict[str, Any], within: str = "") -> list[tuple[str, list[dict[str, Any]]]]:
    found = []
    for name, value in pack.items():
        if isinstance(value, dict):
            found += _lists(value, f"{within}{name}.")
        elif isinstance(value, list) and all(isinstance(row, dict) for row in value):
            found.append((f"{within}{name}", [_flat(row) for row in value]))
    return found


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    # A cell holds no object; what an estimate was made from is in the JSON.
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}
