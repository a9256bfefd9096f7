"""The whole document, explored: what it calls valid is not refused for its shape, what it calls invalid is.

For every operation, requests are generated from the document: the edges of each constraint, then mixtures.
Every answer must be one that the document names, of the content type and shape that it gives there.
"""

from itertools import count
from typing import Any, Final
from zlib import crc32

import orjson
import pytest
import schemathesis
from schemathesis import Case, Response
from schemathesis.core.result import Ok

from ledger.accounts.limits import HELD_FOR_REVIEW
from ledger.app import create_app, openapi_document
from ledger.config import Settings
from ledger.db import Database
from ledger.rules.simulation import runs
from tests.contract.replaying import in_a_thread
from tests.profiles import FACTOR, SEED, profile
from tests.shapes import BAND, apart, pages
from tests.whole_service import Tenant

BATCHES: Final = "POST /v1/batches"
RULE_SETS: Final = frozenset({"POST /v1/rule-sets", "POST /v1/simulations"})
UPLOADS: Final = "POST /v1/reconciliations"
KEYED: Final = {
    f"{page.route.method} {page.address}"
    for page in pages()
    if page.route.operation or page.route.takes_dry_run
}
KEY: Final = "Idempotency-Key"
PAST: Final = dict.fromkeys(("as_of", "known_as_of", "from", "to"), "2026-01-01T00:00:00Z") | {
    "period": "2025-12"
}
PRICES: Final = {"rate": "0.0101", "ask": "0.0110", "floor": "0.005", "ceiling": "0.02", "max_step": "0.1"}
"""Sound ones of a proposal of a rate; decimals may be too many, too large or nothing."""

VALUES: Final = {"expected_redemption": "0.9", "unit_value": "0.01", "unit_cost": "0.004", "tax_rate": "0.13"}
"""Sound ones of proposals of estimates and policies."""

EXCLUDING: Final = {
    "from": {"period"},
    "to": {"period", "as_of"},
    "as_of": {"period"},
    "member_id": {"by"},
}
"""Parameters beside which others have no meaning."""

CONFIG: Final = schemathesis.Config.from_dict(
    {
        "seed": 1 if FACTOR == 1 else SEED,
        # Words found in the code would make the examples depend on it.
        "analysis": {"constants": {"enabled": False}},
        # Every request carries a key; without one they are sent by a check of their own.
        "generation": {"with-security-parameters": False},
        "checks": {
            # A rule of the business may always say no; a shape that is valid is never malformed.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]},
            # A shape that is not valid never gets as far as the rules.
            "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "405", "413", "415"]},
        },
    }
)


def without_streams() -> dict[str, Any]:
    """The document, but for the media type that is no document: a stream is read and answered line by line."""
    document: dict[str, Any] = orjson.loads(openapi_document("json"))
    page = document["paths"]["/v1/batches"]["post"]
    for content in (page["requestBody"]["content"], page["responses"]["200"]["content"]):
        del content["application/x-ndjson"]
    del document["paths"]["/v1/reconciliations"]["post"]["requestBody"]["content"]["text/csv"]
    del document["paths"]["/v1/simulations"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]
    return document


DOCUMENT: Final = schemathesis.openapi.from_dict(without_streams(), config=CONFIG)
# Names the way of sending; each test has its own application.
DOCUMENT.app = create_app(Settings(), Database("postgresql://", role=None))

_numbers = count(1)


@pytest.fixture(autouse=True)
def replaying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let simulations, of which hundreds are asked for, begin no processes; that they do is tests/rules' to show."""
    monkeypatch.setattr(runs, "_process", in_a_thread)


@DOCUMENT.parametrize()
@profile(30)
def test_every_answer_is_one_that_the_document_gives(case: Case[Any], tenant: Tenant) -> None:
    headers = {"Authorization": f"Bearer {tenant.keys['admin']}"}
    if case.meta is not None and case.meta.generation.mode.is_positive:
        make_meaningful(case, tenant.facts)
    elif case.operation.label in KEYED and KEY not in (case.headers or {}):
        # Only a rehearsal goes without a key, which a document cannot say.
        case.query = {name: value for name, value in (case.query or {}).items() if name != "dry_run"}
    response = case.call(app=tenant.app, headers=headers)
    case.validate_response(
        response,
        headers=headers,
        excluded_checks=[
            *([negative_data_rejection] if refuses_one_by_one(case, response) else []),
            *([positive_data_acceptance] if speaks_no_rules(case, response) else []),
        ],
        transport_kwargs={"app": tenant.app, "headers": headers},
    )


negative_data_rejection: Final = schemathesis.checks.negative_data_rejection
positive_data_acceptance: Final = schemathesis.checks.positive_data_acceptance


def refuses_one_by_one(case: Case[Any], response: Response) -> bool:
    """Whether these are the answers of a batch, all of them refusals of the operation's shape."""
    if case.operation.label != BATCHES:
        return False
    if response.status_code == 409:
        # A number that has come before with other operations is refused before any of these is looked at.
        return bool(response.json()["code"] == "till_batch_changed")
    if response.status_code != 200:
        return False
    results = response.json()["results"]
    assert {result["status"] for result in results} <= {400, 413}, results
    return True


def speaks_no_rules(case: Case[Any], response: Response) -> bool:
    """Whether a text is refused for what it says: rules, or the lines of a file, of which a schema shows little."""
    if response.status_code != 400:
        return False
    fields = {fault["field"] for fault in response.json().get("errors", [])}
    if case.operation.label == UPLOADS:
        return fields <= {"csv", "from", "to"}
    return case.operation.label in RULE_SETS and all(field.startswith("content") for field in fields)


def make_meaningful(case: Case[Any], facts: dict[str, str]) -> None:
    """Let a valid request mean what the document has no words for, and some name what there is."""
    if case.headers and KEY in case.headers:
        case.headers[KEY] = f"{case.headers[KEY][:200]}{next(_numbers)}"
    if isinstance(case.body, dict):
        case.body = meant(case.body, facts)
    if case.query:
        # No time is later than the present, and no cursor is one that nobody has given.
        past = {name: when for name, when in PAST.items() if name in case.query}
        case.query = {name: value for name, value in case.query.items() if name != "cursor"} | past
        for name, others in EXCLUDING.items():
            if name in case.query:
                case.query = {each: value for each, value in case.query.items() if each not in others}
    for name in case.path_parameters or {}:
        if name in facts and coin(case.body):
            case.path_parameters[name] = facts[name]


def meant(value: Any, facts: dict[str, str]) -> Any:
    """5.0 is an integer to a JSON Schema, and not to us; a purchase names its lines apart, and so on."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [named_apart(number, meant(item, facts)) for number, item in enumerate(value)]
    if isinstance(value, dict):
        members = {name: meant(item, facts) for name, item in value.items()}
        return reconciled(members | to_the_point(members, facts) if coin(members) else members)
    return value


def reconciled(members: dict[str, Any]) -> dict[str, Any]:
    """Members that agree with each other, where a schema cannot say how they must."""
    kept = apart(members)
    if kept.keys() >= {"member_id", "reference"} and not kept.keys() & {"points", "quote_id"}:
        kept["points"] = 5
    if "points_value" in kept:
        # Not more than the lines come to, in their currency.
        kept["points_value"] = {"amount": 0, "currency": kept["currency"]}
    if "levels" in kept:
        kept.pop("floor", None)
    if kept.keys() & BAND.keys():
        kept |= BAND
    kept |= {name: price for name, price in PRICES.items() if isinstance(kept.get(name), str)}
    kept |= {name: value for name, value in VALUES.items() if isinstance(kept.get(name), str)}
    kept.pop("settlement_price", None)
    if kept.get("method") == "agent_net":
        kept["settlement_price"] = "0.006"
    if "max_percent" in kept:
        kept.pop("min_percent", None)
    for other in kept.get("exceptions") or ():
        # Where other limits hold, and one of them.
        other |= {"stores": ["s-1"], "redeemable": True}
    if kept.get("code") == "auto":
        # Two approvals turn it on.
        kept["on"] = False
    return limiting(kept) if {"of", "operation"} <= kept.keys() else kept


def limiting(limit: dict[str, Any]) -> dict[str, Any]:
    """A limit of something: of times in a day alone; holding awards alone, and then without an alert of its own."""
    beside = {"times"} if limit["per"] == "operation" else set()
    beside |= {"alert"} if limit["operation"] in HELD_FOR_REVIEW else {"hold"}
    kept = {name: value for name, value in limit.items() if name not in beside}
    return kept | {"of": "member", "points": 5}


def coin(value: Any) -> bool:
    """Heads or tails, the same for the same value, so that an example that fails fails again."""
    return bool(crc32(repr(value).encode("utf-8", "backslashreplace")) % 2)


def to_the_point(members: dict[str, Any], facts: dict[str, str]) -> dict[str, Any]:
    """Members that let a request get further: what there is of those whom it names, new names of its own."""
    number = next(_numbers)
    telling = {
        "currency": "CNY",
        "member_id": facts["member_id"],
        "from_member_id": facts["member_id"],
        "to_member_id": "m-2",
        "occurred_at": "2026-01-01T00:00:00Z",
        **dict.fromkeys(("reference", "purchase_id", "activity_id", "return_id"), f"n-{number}"),
        "quote_id": facts["quote_id"],
    }
    return {name: value for name, value in telling.items() if name in members}


def named_apart(number: int, item: Any) -> Any:
    if isinstance(item, dict) and "line_id" in item:
        return {**item, "line_id": f"{item['line_id'][:50]}:{number}"}
    if isinstance(item, dict) and ("threshold" in item or "per" in item) and "code" in item:
        rising = {"threshold": number} if "threshold" in item else {}
        return {**item, "code": f"{item['code'][:50]}:{number}", **rising}
    return item


def test_every_route_is_explored() -> None:
    explored = {result.ok().label for result in DOCUMENT.get_all_operations() if isinstance(result, Ok)}
    there = {f"{page.route.method} {page.address}" for page in pages()}
    assert explored == there


def test_a_deviation_would_be_found(tenant: Tenant) -> None:
    case = DOCUMENT["/livez"]["GET"].Case()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.http.answers.encode", lambda _: b'{"status": "fine"}')
        response = case.call(app=tenant.app)
    with pytest.raises(BaseExceptionGroup, match="1 distinct failure"):
        case.validate_response(response)
