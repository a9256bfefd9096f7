"""Programs are closed to each other, and roles reach what they are for: on every route of the service.

What belongs to another program is answered as what is nowhere: nobody can tell the two apart. A route that
is added is covered as soon as it is declared.
"""

from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest

from ledger.access import PUBLIC, ROLES
from ledger.rules.terms import DEFAULT_TERMS
from tests.ladders import tiers
from tests.shapes import Page, pages
from tests.whole_service import (
    Tenant,
    WholeService,
    purchase_of,
    with_adjustments,
    with_alerts,
    with_budget,
    with_checkpoints,
    with_closes,
    with_device,
    with_holds,
    with_keys,
    with_locks,
    with_merges,
    with_reconciliations,
    with_reviews,
    with_rules,
)

PAGES: Final = pages()
PRIVATE: Final = [page for page in PAGES if page.route.scope != PUBLIC]
READS: Final = [page for page in PRIVATE if page.route.method == "GET"]
# Every program counts its versions from 1, and months are months: these are no ids, and nobody can guess by them.
NUMBERS: Final = {"version", "period"}
# A proposal about a fund or a merge leaves a row where it may be made, and a first grant may be made under any name.
PROPOSES: Final = {"propose_grant", "propose_withdrawal", "propose_merge", "propose_unmerge"}
WITH_IDS: Final = [
    page
    for page in PRIVATE
    if set(page.parameters("path")) - NUMBERS
    and page.route.method != "PUT"
    and page.route.name not in PROPOSES
]
READABLE: Final = {page.address for page in READS}
PUTS: Final = [
    page
    for page in PRIVATE
    if page.parameters("path") and page.route.method == "PUT" and page.address in READABLE
]
# A member to whom it was done before stays as he is.
DONE_BEFORE: Final = {"freeze_member", "lock_spending", "review_member", "erase"}
OPERATIONS: Final = [page for page in PAGES if page.route.operation]

TERMS: Final = DEFAULT_TERMS | {
    "tiers": tiers({"member": 0, "silver": 150}),
    "offline": {"credit": 100},
}
PREFIXES: Final = {
    "redemption_id": "red_",
    "entry_id": "ent_",
    "approval_id": "apr_",
    "hold_id": "hld_",
    "review_id": "hld_",
    "quote_id": "quo_",
    "alert_id": "alr_",
    "adjustment_id": "adj_",
}


def name_of(value: Any) -> str | None:
    """How a route is called in the name of a test."""
    return value.route.name if isinstance(value, Page) else None


def live(tenant: Tenant, tag: str) -> Tenant:
    """Let a program have a history in which every name carries its tag."""
    purchase = tenant.post("/v1/purchases", purchase_of(f"m-{tag}", f"p-{tag}"))
    # A second one, so that growth comes from two entries, and the tier has changed twice.
    tenant.post("/v1/purchases", purchase_of(f"m-{tag}", f"o-{tag}"))
    award = {"member_id": f"n-{tag}", "points": 50, "reason": "gift", "reference": f"a-{tag}"}
    tenant.post("/v1/earnings", award, headers={"Idempotency-Key": f"award-{tag}"})
    for number in (1, 2):
        tenant.post("/v1/activities", referral_of(f"b{number}-{tag}", f"m-{tag}", f"y{number}-{tag}"))
    spend = {"member_id": f"m-{tag}", "points": 10, "reference": f"x-{tag}"}
    redemption = tenant.post("/v1/redemptions", spend)
    tenant.facts = {
        "member_id": f"m-{tag}",
        "purchase_id": f"p-{tag}",
        "redemption_id": redemption["redemption_id"],
        "entry_id": purchase["entry_id"],
        **with_holds(tenant, f"m-{tag}"),
        **with_device(tenant, f"d-{tag}"),
        **with_alerts(tenant, f"w-{tag}"),
        **with_locks(tenant, f"m-{tag}"),
        # By the key that the tests ask with, which decides on neither.
        **with_reviews(tenant, f"v-{tag}"),
        **with_keys(tenant, f"k-{tag}"),
        **with_merges(tenant, f"m-{tag}"),
        **with_checkpoints(tenant),
        **with_closes(tenant),
        **with_reconciliations(tenant),
        # Of two, so that lists have a second page; by the key that the tests ask with, which decides on neither.
        **with_rules(tenant, f"q-{tag}", role="admin"),
        **with_rules(tenant, f"r-{tag}", role="admin"),
        **with_budget(tenant, f"f-{tag}"),
        **with_budget(tenant, f"g-{tag}"),
        **with_adjustments(tenant, f"m-{tag}", role="admin"),
    }
    # Whoever was erased, and is locked, is so again without a change.
    path = f"/v1/members/{tenant.facts['locked_member_id']}/erase"
    assert tenant.send("POST", path).status_code == 200
    # The first to acknowledge an alert stays: whoever may do it changes nothing any more.
    path = f"/v1/alerts/{tenant.facts['alert_id']}/acknowledge"
    assert tenant.send("POST", path, json={"note": f"seen by {tag}"}).status_code == 200
    return tenant


def referral_of(member_id: str, referrer: str, activity_id: str) -> dict[str, Any]:
    return {
        "activity_id": activity_id,
        "member_id": member_id,
        "type": "referral",
        "occurred_at": "2026-01-01T12:00:00+08:00",
        "attributes": {"referrer": referrer},
    }


@pytest.fixture(scope="module")
def ours(service: WholeService) -> Tenant:
    return live(service.tenant("ours", terms=TERMS), "ours")


@pytest.fixture(scope="module")
def theirs(service: WholeService) -> Tenant:
    return live(service.tenant("theirs", terms=TERMS), "theirs")


@pytest.fixture
def unchanged(service: WholeService, ours: Tenant, theirs: Tenant) -> Iterator[None]:
    """Fails a test after which any row of any table is there that was not, or says something else."""
    before = service.rows()
    yield
    assert service.rows() == before


def nowhere(name: str, there: str) -> str:
    """An id of the same form as one that is there, of which there is nothing anywhere."""
    prefix = PREFIXES.get(name)
    return f"{prefix}{'0' * 31}7" if prefix else f"q{name}"[: len(there)]


def told(answer: Any, ids: dict[str, str]) -> tuple[int, str, bytes]:
    """All that an answer tells, but for the ids that were asked about and the request's own."""
    body = answer.data
    for name, value in ids.items():
        if name not in NUMBERS:
            body = body.replace(value.encode(), b"id")
    body = body.replace(answer.headers["X-Request-Id"].encode(), b"request")
    return answer.status_code, answer.content_type, body


@pytest.mark.parametrize("page", WITH_IDS, ids=name_of)
def test_what_is_another_programs_is_answered_as_what_is_nowhere(
    unchanged: None, ours: Tenant, theirs: Tenant, page: Page
) -> None:
    known = theirs.facts
    if page.route.name in DONE_BEFORE:
        known = known | {"member_id": known["locked_member_id"]}
    absent = {name: nowhere(name, value) for name, value in known.items()}
    body = {"json": sound_body(page)} if page.body else {}
    foreign = ours.send(page.route.method, page.path(known), **body)
    missing = ours.send(page.route.method, page.path(absent), **body)
    assert told(foreign, known) == told(missing, absent)
    assert foreign.status_code == 404
    # The same question of those whose it is: it is there.
    assert theirs.send(page.route.method, page.path(known), **rehearsed(page, body)).status_code != 404


@pytest.mark.parametrize("kind", ["merge", "unmerge"])
def test_nobody_is_merged_with_a_member_of_another_program(
    unchanged: None, ours: Tenant, theirs: Tenant, kind: str
) -> None:
    """Neither as the survivor nor as the duplicate; and of those whose they are, they are there."""
    pair, own = (theirs.facts["member_id"], theirs.facts["duplicate_id"]), ours.facts["member_id"]
    for survivor, duplicate in (pair, (own, pair[1]), (pair[0], own)):
        answers = [
            ours.send(
                "POST", f"/v1/members/{one}/{kind}", json={"duplicate_id": other, "reason": "duplicate"}
            )
            for one, other in ((survivor, duplicate), (survivor + "x"[: survivor != own], duplicate + "x"))
        ]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            (404, "member_unknown")
        ] * 2
    body = {"duplicate_id": pair[1] if kind == "merge" else own, "reason": "duplicate"}
    there = theirs.send("POST", f"/v1/members/{pair[0]}/{kind}", json=body)
    assert (there.status_code, there.json["code"]) == (
        (409, "member_merged") if kind == "merge" else (404, "member_unknown")
    )


def rehearsed(page: Page, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "query_string": "dry_run=true"} if page.route.operation else body


def sound_body(page: Page) -> Any:
    assert page.body is not None
    return page.example(page.body)


@pytest.mark.parametrize("page", PUTS, ids=name_of)
def test_what_is_put_under_another_programs_name_is_ours_alone(service: WholeService, page: Page) -> None:
    first, second = (live(service.tenant(f"{page.route.name} {n}"), f"{n}") for n in (1, 2))
    path = page.path(second.facts)
    before = second.send("GET", path)
    assert (first.send("GET", path).status_code, before.status_code) == (404, 200)
    put = first.send("PUT", path, json=sound_body(page))
    assert put.status_code == 201
    assert second.send("GET", path).data == before.data
    assert first.send("GET", path).json == put.json


# What enrols a member takes another program's for a new one; below.
NAMING = [
    page for page in OPERATIONS if page.route.name not in ("post_purchase", "post_earning", "post_activity")
]


@pytest.mark.parametrize("page", NAMING, ids=name_of)
def test_an_operation_in_a_batch_sees_no_more_than_its_own_route(
    unchanged: None, ours: Tenant, theirs: Tenant, page: Page
) -> None:
    named = {**theirs.facts, "from_member_id": "m-theirs", "to_member_id": "n-theirs"}
    absent = {name: nowhere(name, value) for name, value in named.items()}
    foreign, missing = (
        ours.send("POST", "/v1/batches?dry_run=true", json={"operations": [operation(page, ids)]})
        for ids in (named, absent)
    )
    assert [result["status"] for result in foreign.json["results"]] == [404]
    assert told(foreign, named) == told(missing, absent)


def operation(page: Page, ids: dict[str, str]) -> dict[str, Any]:
    """An operation of a batch about these ids."""
    assert page.route.operation is not None
    example = sound_body(page) | dict.fromkeys(page.parameters("path"))
    # What a till took offline enrols the member, as a purchase does.
    example.pop("offline", None)
    return {
        "operation": page.route.operation.name,
        "body": {name: ids.get(name, value) for name, value in example.items()},
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/redemptions", {"member_id": "m-theirs", "points": 1, "reference": "r"}),
        (
            "/v1/transfers",
            {"from_member_id": "m-theirs", "to_member_id": "m-ours", "points": 1, "reference": "r"},
        ),
        (
            "/v1/transfers",
            {"from_member_id": "m-ours", "to_member_id": "m-theirs", "points": 1, "reference": "r"},
        ),
        ("/v1/activities", referral_of("new-ours", "m-theirs", "y")),
    ],
)
def test_a_member_of_another_program_can_neither_spend_nor_receive_nor_refer(
    unchanged: None, ours: Tenant, theirs: Tenant, path: str, body: dict[str, Any]
) -> None:
    answer = ours.send("POST", path, json=body)
    assert (answer.status_code, answer.json["code"]) == (404, "member_unknown")
    assert answer.json["member_id"] == "m-theirs"


SOLD: Final = purchase_of("m-ours", "p-quoted", 1_000)
USES_A_QUOTE: Final = {
    "redemption": ("/v1/redemptions", {"member_id": "m-ours", "reference": "r"}),
    "hold": ("/v1/holds", {"member_id": "m-ours", "reference": "r"}),
    "purchase": ("/v1/purchases", SOLD),
}


@pytest.mark.parametrize("use", USES_A_QUOTE)
def test_a_quote_of_another_program_or_member_is_answered_as_one_that_is_nowhere(
    unchanged: None, ours: Tenant, theirs: Tenant, use: str
) -> None:
    path, body = USES_A_QUOTE[use]
    quotes = {"theirs": theirs.facts["quote_id"], "absent": nowhere("quote_id", ""), "unreadable": "quo_1"}
    answers = {
        whose: told(ours.send("POST", path, json={**body, "quote_id": quote}), {"quote_id": quote})
        for whose, quote in quotes.items()
    }
    # Of the same program, but another member's.
    quote = ours.facts["quote_id"]
    another = {**body, "member_id": "n-ours", "quote_id": quote}
    answers["another member's"] = told(ours.send("POST", path, json=another), {"quote_id": quote})
    assert len(set(answers.values())) == 1, answers
    assert b"quote_unknown" in answers["theirs"][2]
    # The same question of the one whose it is: it is there.
    rehearsal = ours.send("POST", path, json={**body, "quote_id": quote}, query_string="dry_run=true")
    assert rehearsal.status_code == 201, rehearsal.data


def test_the_same_names_in_two_programs_are_two_things(service: WholeService) -> None:
    first, second = (service.tenant(name) for name in ("first", "second"))
    once = {"Idempotency-Key": "the-same"}
    answers = [
        tenant.send("POST", "/v1/purchases", json=purchase_of("m-1", "p-1"), headers=once)
        for tenant in (first, second)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert "Idempotency-Replayed" not in answers[1].headers
    assert answers[0].json["entry_id"] != answers[1].json["entry_id"]
    assert [answer.json["account_version"] for answer in answers] == [1, 1]
    lots = [answer.json["lots"][0]["lot_id"] for answer in answers]
    assert lots[0] != lots[1]


@pytest.mark.parametrize("page", OPERATIONS, ids=name_of)
def test_a_key_that_another_program_has_used_is_a_fresh_key(service: WholeService, page: Page) -> None:
    first, second = (live(service.tenant(f"{page.route.name} {n}", terms=TERMS), "same") for n in (1, 2))
    once = {"Idempotency-Key": "the-same"}
    bodies = [meaningful(page, tenant) for tenant in (first, second)]
    answers = [
        tenant.send("POST", page.path(tenant.facts), json=body, headers=once)
        for tenant, body in zip((first, second, second), (*bodies, bodies[1]), strict=True)
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, False, True]
    assert answers[1].data == answers[2].data
    # A quote is a row of its own, and no entry.
    made = [answer.json.get("entry_id") or answer.json["quote_id"] for answer in answers]
    assert made[0] != made[1]


def meaningful(page: Page, tenant: Tenant) -> dict[str, Any]:
    """A body of which the operation makes an entry, in a program that has lived as ``live`` has it."""
    bought = purchase_of("m-same", "p-new")
    known = {
        "member_id": "m-same",
        "from_member_id": "m-same",
        "to_member_id": "n-same",
        "currency": "CNY",
        "occurred_at": bought["occurred_at"],
        "expires_at": "2099-01-01T00:00:00Z",
        "purchase_id": "p-new",
        "fund": "f-same",
        "lines": [{"line_id": "1", "quantity": 1, "amount": 100}],
        "points_value": {"amount": 50, "currency": "CNY"},
        "price": {"amount": 1_000, "currency": "CNY"},
        "offline": {"device_id": "d-same", "occurred_at": bought["occurred_at"]},
    }
    return {name: known.get(name, value) for name, value in sound_body(page).items()}


@pytest.mark.parametrize("page", READS, ids=name_of)
def test_no_read_shows_anything_of_another_program(
    unchanged: None, ours: Tenant, theirs: Tenant, page: Page
) -> None:
    answer = ours.send("GET", page.path(ours.facts))
    assert answer.status_code == 200, answer.data
    assert b"theirs" not in answer.data
    for name, value in theirs.facts.items():
        assert name in NUMBERS or value.encode() not in answer.data


@pytest.mark.parametrize(
    "page", [page for page in READS if "cursor" in page.parameters("query")], ids=name_of
)
def test_a_cursor_leads_nobody_into_another_program(ours: Tenant, theirs: Tenant, page: Page) -> None:
    mine, foreign = (tenant.send("GET", f"{page.path(tenant.facts)}?limit=1") for tenant in (ours, theirs))
    cursor = foreign.json["next_cursor"]
    assert cursor, "the list is too short to have a second page"
    answer = ours.send("GET", f"{page.path(ours.facts)}?cursor={cursor}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        whole = ours.send("GET", page.path(ours.facts)).json["data"]
        assert all(item in whole for item in answer.json["data"])
    assert mine.json["data"]


def test_what_one_program_does_moves_no_number_of_another(service: WholeService) -> None:
    quiet, busy = live(service.tenant("quiet", terms=TERMS), "quiet"), service.tenant("busy")
    reads = [page for page in READS if page.route.path != "/v1/program"]
    before = [numbers(quiet.send("GET", page.path(quiet.facts)).json) for page in reads]
    live(busy, "quiet")
    assert [numbers(quiet.send("GET", page.path(quiet.facts)).json) for page in reads] == before


def numbers(value: Any) -> Any:
    """A read without the times at which it was made; a rate tells them in its label as well."""
    if isinstance(value, dict):
        told = ("as_of", "known_as_of", "from", "to", "label")
        return {name: numbers(item) for name, item in value.items() if name not in told}
    return [numbers(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("page", PRIVATE, ids=name_of)
def test_a_role_reaches_the_routes_of_its_scopes_and_no_other(
    unchanged: None, ours: Tenant, page: Page, role: str
) -> None:
    scope = page.page["x-required-scope"]
    # With a bad parameter: who may ask is told what is wrong, who may not is not.
    answer = ours.send(page.route.method, f"{page.path(ours.facts)}?unknown=1", role=role)
    if scope in ROLES[role]:
        assert answer.status_code == 400
    else:
        assert (answer.status_code, answer.json["code"], answer.json["required_scope"]) == (
            403,
            "forbidden",
            scope,
        )


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("page", OPERATIONS, ids=name_of)
def test_a_role_reaches_no_more_through_a_batch(unchanged: None, ours: Tenant, page: Page, role: str) -> None:
    assert page.route.operation is not None
    item = {"operation": page.route.operation.name, "idempotency_key": "k", "body": {}}
    answer = ours.send("POST", "/v1/batches", role=role, json={"operations": [item]})
    if "batch" not in ROLES[role]:
        assert (answer.status_code, answer.json["required_scope"]) == (403, "batch")
        return
    (result,) = answer.json["results"]
    assert (result["status"] == 403) == (page.route.scope not in ROLES[role])
    stream = ours.send(
        "POST", "/v1/batches", role=role, data=orjson.dumps(item), content_type="application/x-ndjson"
    )
    assert orjson.loads(stream.data)["status"] == result["status"]


@pytest.mark.parametrize("role", ["readonly", "finance", "approver"])
@pytest.mark.parametrize("page", [page for page in PRIVATE if page.route.method != "GET"], ids=name_of)
def test_who_only_reads_or_only_approves_changes_nothing(
    unchanged: None, ours: Tenant, page: Page, role: str
) -> None:
    if page.route.scope in ROLES[role]:
        pytest.skip("this is what an approver is for")
    body = {"json": sound_body(page)} if page.body else {}
    answer = ours.send(page.route.method, page.path(ours.facts), role=role, **body)
    assert answer.status_code == 403
