"""Months closed over HTTP, one key at a time: every step out of turn is refused, and nothing has moved then."""

import csv
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from io import StringIO
from itertools import count
from typing import Any

import orjson
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger.access import ROLES
from ledger.finance.verify import verify
from tests.finance.deferral.controller import Controller, at, terms_earning
from tests.whole_service import WholeService, open_service

NUMBERS = count(1)
OUT_OF_TURN = (409, "period_out_of_turn")


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def books(service: WholeService) -> Controller:
    """A point for each yuan, and 1,000 yuan bought on 15 January."""
    made = Controller.of(service, f"closing-{next(NUMBERS)}", terms_earning(1, 100), "2026-01-05")
    made.on("2026-01-15").buy(100_000)
    return made


def step(books: Controller, period: str, name: str, role: str = "finance", **arguments: Any) -> Any:
    return books.tenant.send("POST", f"/v1/periods/{period}/{name}", role=role, **arguments)


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json.get("code")


def months(books: Controller) -> list[tuple[str, str]]:
    return [(month["period"], month["status"]) for month in books.read("/v1/periods")["data"]]


def propose(books: Controller, period: str, role: str = "finance") -> Any:
    return step(books, period, "reopen", role, json={"reason": "a mistake"})


def decide(books: Controller, approval_id: str, role: str = "approver") -> Any:
    return books.tenant.send("POST", f"/v1/approvals/{approval_id}/approve", role=role)


def test_month_goes_from_open_to_soft_closed_to_locked_and_no_step_is_done_twice(books: Controller) -> None:
    assert told(step(books, "2026-01", "soft-close")) == OUT_OF_TURN  # not over
    assert told(step(books, "2026-01", "lock")) == OUT_OF_TURN
    books.on("2026-03-05")
    assert told(step(books, "2026-01", "lock")) == OUT_OF_TURN  # not soft-closed
    assert months(books) == []

    answer = step(books, "2026-01", "soft-close")
    assert (answer.status_code, answer.json["status"], answer.json["pack_hash"]) == (200, "soft_closed", None)
    assert told(step(books, "2026-01", "soft-close")) == OUT_OF_TURN
    # The first is not locked yet: a month between would have no pack.
    refused = step(books, "2026-02", "soft-close")
    assert (told(refused), refused.json["next"]) == (OUT_OF_TURN, "2026-01")
    assert told(step(books, "2026-02", "lock")) == OUT_OF_TURN
    assert months(books) == [("2026-01", "soft_closed")]

    answer = step(books, "2026-01", "lock")
    assert (answer.status_code, answer.json["status"]) == (200, "locked")
    for wrong in (
        ("2026-01", "soft-close"),
        ("2026-01", "lock"),
        ("2026-03", "soft-close"),
        ("2025-12", "lock"),
    ):
        assert told(step(books, *wrong)) == OUT_OF_TURN
    assert books.read("/v1/periods/2025-12")["status"] == "locked"
    assert months(books) == [("2026-01", "locked")]


@pytest.mark.parametrize("role", sorted(role for role, scopes in ROLES.items() if "close" not in scopes))
def test_only_who_may_close_closes(books: Controller, role: str) -> None:
    books.on("2026-02-05")
    for name in ("soft-close", "lock"):
        assert told(step(books, "2026-01", name, role)) == (403, "forbidden")
    assert told(propose(books, "2026-01", role)) == (403, "forbidden")
    assert months(books) == []


def test_reopening_takes_a_second_key_and_the_last_closed_month(
    service: WholeService, books: Controller
) -> None:
    books.on("2026-03-05").close("2026-01", "2026-02")
    assert told(propose(books, "2026-01")) == OUT_OF_TURN
    assert told(propose(books, "2026-03")) == OUT_OF_TURN
    waiting = propose(books, "2026-02")
    assert waiting.status_code == 202
    assert propose(books, "2026-02").json["approval_id"] == waiting.json["approval_id"]
    assert told(decide(books, waiting.json["approval_id"], "finance")) == (403, "forbidden")

    # Who may do both cannot do both to the same proposal.
    own = propose(books, "2026-02", "admin")
    assert told(decide(books, own.json["approval_id"], "admin")) == (403, "self_approval")
    assert months(books) == [("2026-02", "locked"), ("2026-01", "locked")]

    assert decide(books, waiting.json["approval_id"]).status_code == 200
    assert told(decide(books, waiting.json["approval_id"])) == (409, "approval_decided")
    # The other proposal is about a month that is open again.
    assert told(decide(books, own.json["approval_id"])) == OUT_OF_TURN
    event = books.read("/v1/periods/2026-02")["events"][-1]
    assert (event["status"], event["reason"]) == ("open", "a mistake")
    assert event["changed_by"] != event["approved_by"]
    assert event["approved_by"] is not None
    with service.owner.read() as connection:
        assert not [found.told() for found in verify(connection, books.tenant.program) if not found.is_sound]


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("'open', 'k-1', 'k-1', 'why', NULL, NULL", "period_events_approved_by_check"),
        ("'open', 'k-1', NULL, 'why', NULL, NULL", "period_events_approved_by_check"),
        ("'open', 'k-1', 'k-2', NULL, NULL, NULL", "period_events_approved_by_check"),
        ("'locked', 'k-1', NULL, NULL, NULL, NULL", "period_events_pack_check"),
        ("'soft_closed', 'k-1', NULL, NULL, '{}', '\\x00'", "period_events_pack_check"),
    ],
)
def test_database_refuses_one_key_for_both_and_a_lock_without_a_pack(
    service: WholeService, books: Controller, columns: str, constraint: str
) -> None:
    statement = text(
        "INSERT INTO period_events (program_id, event_id, period, recorded_at, status, changed_by, approved_by,"
        f" reason, pack, pack_hash) VALUES (:program, gen_random_uuid(), '2026-01-01', now(), {columns})"
    )
    with pytest.raises(IntegrityError) as refused:
        service.owner.run(
            lambda connection: connection.execute(statement, {"program": books.tenant.program.program_id})
        )
    assert isinstance(refused.value.orig, psycopg.errors.CheckViolation)
    assert refused.value.orig.diag.constraint_name == constraint


def test_estimate_reaches_a_month_that_is_soft_closed_and_none_that_is_locked(books: Controller) -> None:
    books.on("2026-02-05")
    assert step(books, "2026-01", "soft-close").status_code == 200
    books.estimate("0.5", "2026-01", applies_from="2026-01")
    assert step(books, "2026-01", "lock").status_code == 200
    pack = books.read("/v1/periods/2026-01/pack")
    assert [each["expected_redemption"] for each in pack["estimates"]] == ["0.5"]
    assert pack["deferral"]["estimates"] == [1]
    estimate = {
        "expected_redemption": "0.4",
        "method": "judgement",
        "reason": "late",
        "applies_from": "2026-01",
    }
    refused = books.tenant.send("POST", "/v1/estimates", role="finance", json=estimate)
    assert told(refused) == (409, "period_closed")


def test_pack_is_the_bytes_that_were_hashed_and_stays_whatever_is_posted(books: Controller) -> None:
    books.on("2026-02-05").close("2026-01")
    address = "/v1/periods/2026-01/pack"
    answer = books.tenant.send("GET", address, role="finance")
    assert sha256(answer.data).hexdigest() == books.read("/v1/periods/2026-01")["pack_hash"]
    books.buy(70_000, occurred_at=at("2026-01-20").isoformat())
    books.on("2026-02-06").redeem(100)
    assert books.tenant.send("GET", address, role="finance").data == answer.data
    # A controller finds the same figures by the period, today.
    pack, report = (
        orjson.loads(answer.data),
        books.deferral(period="2026-01", known_as_of=answer.json["known_as_of"]),
    )
    assert report == pack["deferral"]
    assert told(books.tenant.send("GET", "/v1/periods/2026-02/pack", role="finance")) == (404, "pack_unknown")


def test_pack_as_csv_has_its_tables(books: Controller) -> None:
    books.on("2026-02-05").close("2026-01")
    answer = books.tenant.send("GET", "/v1/periods/2026-01/pack?format=csv", role="finance")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(answer.data.decode(), newline="")))
    tables = {row["table"] for row in rows}
    assert {
        "trial_balance",
        "ties",
        "deferral.lines",
        "liability.by_cohort",
        "points_by.store.rows",
    } <= tables
    scalars = {row["name"]: row["value"] for row in rows if row["table"] == "report"}
    assert (scalars["period"], scalars["points.issued"], scalars["points.closing"]) == (
        "2026-01",
        "1000",
        "1000",
    )
    assert {row["difference"] for row in rows if row["table"] == "ties"} == {"0"}


class Page(HTMLParser):
    """What a page has: its style, its headings, its text; and nothing that it must not have."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.style = ""
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = {name for name, _ in attrs}
        assert not names & {"src", "href", "style", "srcset", "action"}
        assert not [name for name in names if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"] and not self.style:
            self.style = data
        self.text += data


def test_pack_as_html_may_use_its_own_style_and_nothing_else(books: Controller) -> None:
    books.on("2026-02-05").close("2026-01")
    answer = books.tenant.send("GET", "/v1/periods/2026-01/pack?format=html", role="finance")
    assert answer.content_type == "text/html; charset=utf-8"
    page = Page(answer.data.decode())
    allowed = f"'sha256-{b64encode(sha256(page.style.encode()).digest()).decode()}'"
    policy = answer.headers["Content-Security-Policy"]
    assert policy == (
        f"default-src 'none'; style-src {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "unsafe" not in policy
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(page.tags)
    assert page.tags.count("svg") >= 3
    for said in (books.read("/v1/periods/2026-01")["pack_hash"], "1,000", "every tie differs by 0"):
        assert said in page.text
    # Every other answer keeps its own.
    assert "style-src" not in books.tenant.send("GET", "/v1/periods").headers["Content-Security-Policy"]
