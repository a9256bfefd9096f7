"""What is counted of requests, seen on the page that Prometheus reads: in bounded labels, of one application."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.http.meters import Meters
from tests.whole_service import Tenant, WholeService, open_service, purchase_of

TOKEN = "a token of the scraper"[:16].replace(" ", "-")
_numbers = count(1)


@pytest.fixture
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService) -> Tenant:
    return service.tenant("shop")


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(shop: Tenant, **headers: str) -> Samples:
    """Every sample of the page by its name and labels."""
    answer = shop.app.test_client().get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.data
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def by(samples: Samples, name: str, label: str) -> dict[str, float]:
    """The samples of one name by one label; they have no other."""
    return {dict(labels)[label]: number for (found, labels), number in samples.items() if found == name}


def postings(samples: Samples) -> dict[tuple[str, str], float]:
    return {
        (dict(labels)["operation"], dict(labels)["outcome"]): number
        for (name, labels), number in samples.items()
        if name == "ledger_postings_total"
    }


def requests(samples: Samples) -> dict[tuple[str, str, str], float]:
    """How many requests were answered, by method, route and class of status."""
    return {
        (labels["method"], labels["route"], labels["status"]): number
        for (name, each), number in samples.items()
        if name == "ledger_http_request_duration_seconds_count"
        for labels in [dict(each)]
    }


def redeem(shop: Tenant, points: int, key: str | None = None, query: str = "", **more: Any) -> Any:
    body = {"member_id": "m-1", "points": points, "reference": f"x-{next(_numbers)}", **more}
    headers = {"Idempotency-Key": key or f"key-{next(_numbers)}"}
    return shop.send("POST", f"/v1/redemptions{query}", json=body, headers=headers)


def test_postings_are_counted_by_operation_and_outcome(shop: Tenant) -> None:
    shop.post("/v1/purchases", purchase_of("m-1", "p-1"))
    for _ in range(2):
        assert redeem(shop, 10, "once", reference="x").status_code == 201
    assert redeem(shop, 1_000).status_code == 422
    assert redeem(shop, 5, query="?dry_run=true").status_code == 201
    samples = scrape(shop)
    assert postings(samples) == {
        ("purchase", "posted"): 1,
        ("redemption", "posted"): 1,
        ("redemption", "replayed"): 1,
        ("redemption", "refused"): 1,
    }
    assert value(samples, "ledger_entries_posted_total") == 2


def test_entries_are_counted_and_not_only_what_answered(service: WholeService, shop: Tenant) -> None:
    for member in ("m-1", "m-2"):
        shop.post("/v1/purchases", purchase_of(member, f"p-{member}"))
    shop.post(
        "/v1/transfers",
        {"from_member_id": "m-1", "to_member_id": "m-2", "points": 5, "reference": "t"},
    )
    assert value(scrape(shop), "ledger_entries_posted_total") == service.rows()["entries"][0] == 4


def test_each_operation_of_a_batch_counts_as_on_its_own_route(shop: Tenant) -> None:
    def operation(name: str, **body: Any) -> dict[str, Any]:
        return {"operation": name, "idempotency_key": f"key-{next(_numbers)}", "body": body}

    award = operation("earning", member_id="m-1", points=5, reason="gift", reference="a-1")
    spend = operation("redemption", member_id="m-1", points=9, reference="x-1")
    operations = [award, award, spend, operation("redemption"), {"operation": "theft"}]
    answer = shop.send("POST", "/v1/batches", json={"operations": operations})
    assert [result["status"] for result in answer.json["results"]] == [201, 201, 422, 400, 400]
    samples = scrape(shop)
    assert postings(samples) == {
        ("earning", "posted"): 1,
        ("earning", "replayed"): 1,
        ("redemption", "refused"): 1,
    }
    assert by(samples, "ledger_refusals_total", "code") == {"insufficient_points": 1, "invalid_request": 2}
    assert value(samples, "ledger_entries_posted_total") == 1


def test_refusals_are_counted_by_code_wherever_they_were_said(shop: Tenant) -> None:
    client = shop.app.test_client()
    client.get("/v1/members/m-1/balance")
    client.get("/nothing/here")
    client.put("/livez")
    redeem(shop, 5)
    shop.send("POST", "/v1/transfers", role="pos", json={})
    shop.send("GET", "/v1/members/m-9")
    assert by(scrape(shop), "ledger_refusals_total", "code") == {
        "unauthenticated": 1,
        "not_found": 1,
        "method_not_allowed": 1,
        "member_unknown": 2,
        "forbidden": 1,
    }


def test_proposals_and_approvals_under_a_key_are_counted_as_well(shop: Tenant) -> None:
    shop.post("/v1/purchases", purchase_of("m-1", "p-1"))
    wanted = {"member_id": "m-1", "points": 5, "reason": "a mistake"}
    made = shop.send("POST", "/v1/adjustments", json=wanted).json["adjustment_id"]
    shop.send("POST", f"/v1/adjustments/{made}/approve", role="approver")
    samples = scrape(shop)
    assert postings(samples) == {
        ("purchase", "posted"): 1,
        ("propose_member_adjustment", "posted"): 1,
        ("approve_member_adjustment", "posted"): 1,
    }
    assert value(samples, "ledger_entries_posted_total") == 2


def test_routes_are_told_by_their_pattern_and_unknown_addresses_are_one(shop: Tenant) -> None:
    client = shop.app.test_client()
    for number in range(50):
        shop.send("GET", f"/v1/members/m-{number}/balance")
        client.open(f"/wander/{number}", method=("GET", "POST", "BREW")[number % 3])
    client.delete("/v1/members/m-1")
    assert requests(scrape(shop)) == {
        ("GET", "/v1/members/<member_id>/balance", "4xx"): 50,
        ("any", "unmatched", "4xx"): 51,
    }


def test_each_request_falls_into_one_bucket_and_none_is_in_flight_afterwards(shop: Tenant) -> None:
    for _ in range(3):
        shop.app.test_client().get("/livez")
    samples = scrape(shop)
    labels = {"method": "GET", "route": "/livez", "status": "2xx"}
    assert value(samples, "ledger_http_request_duration_seconds_bucket", le="+Inf", **labels) == 3
    assert value(samples, "ledger_http_request_duration_seconds_count", **labels) == 3
    assert value(samples, "ledger_http_request_duration_seconds_sum", **labels) > 0
    # The scrape itself.
    assert value(samples, "ledger_http_requests_in_flight") == 1


def test_two_applications_of_one_process_count_apart(
    service: WholeService, shop: Tenant, cluster: Any
) -> None:
    database = Database(cluster.app_url(service.database), pool_size=1)
    try:
        other = create_app(Settings(), database)
        assert shop.app.test_client().get("/livez").status_code == 200
        page = other.test_client().get("/metrics").text
    finally:
        database.close()
    assert "/livez" not in page
    assert ("GET", "/livez", "2xx") in requests(scrape(shop))


@pytest.mark.parametrize(
    ("took_ns", "bound"), [(1_000_000, "0.001"), (1_000_001, "0.002"), (10**10 + 1, "+Inf")]
)
def test_a_latency_counts_in_the_first_bucket_that_holds_it(took_ns: int, bound: str) -> None:
    meters = Meters()
    meters.answered("GET", "/livez", 200, took_ns)
    (latencies,) = [each for each in meters.collect() if each.name == "ledger_http_request_duration_seconds"]
    buckets = {sample.labels["le"]: sample.value for sample in latencies.samples if "le" in sample.labels}
    assert next(found for found, number in buckets.items() if number) == bound
    assert list(buckets) == sorted(buckets, key=float)


# --- who may read it -----------------------------------------------------------------------------


def guarded(service: WholeService, cluster: Any, token: str | None) -> Any:
    database = Database(cluster.app_url(service.database), pool_size=1)
    return create_app(Settings(metrics_token=token), database), database


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (None, 401),
        ("", 401),
        (TOKEN, 401),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Bearer  {TOKEN}", 401),
        ("Bearer ", 401),
        ("Bearer \xfc\xff", 401),
    ],
)
def test_with_a_token_only_the_token_reads_it(
    service: WholeService, cluster: Any, given: str | None, status: int
) -> None:
    app, database = guarded(service, cluster, TOKEN)
    headers = {} if given is None else {"Authorization": given}
    answer = app.test_client().get("/metrics", headers=headers)
    database.close()
    assert answer.status_code == status, answer.data
    if status == 401:
        assert answer.get_json()["code"] == "unauthenticated"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text
        assert "ledger_" not in answer.text


def test_a_key_of_the_ledger_is_no_token(service: WholeService, cluster: Any, shop: Tenant) -> None:
    app, database = guarded(service, cluster, TOKEN)
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {shop.keys['admin']}"})
    database.close()
    assert answer.status_code == 401


@pytest.mark.parametrize("given", [None, "Bearer anything", "nonsense"])
def test_without_a_token_anybody_reads_it(shop: Tenant, given: str | None) -> None:
    assert scrape(shop, **({} if given is None else {"Authorization": given}))


def test_the_page_takes_no_parameters(shop: Tenant) -> None:
    answer = shop.app.test_client().get("/metrics?name=x")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
