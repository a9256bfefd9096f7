"""What a member's token opens: what is that member's own, and nothing else, on every route of the service."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from ledger import clock
from ledger.access import PUBLIC
from ledger.accounts.programs import change_terms
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from tests.builders import terms
from tests.member_tokens import Identity, seconds, write_keys
from tests.shapes import Page, pages
from tests.whole_service import WholeService, open_service, purchase_of

OWN: Final = {
    "/v1/members/{member_id}/balance",
    "/v1/members/{member_id}/lots",
    "/v1/members/{member_id}/entries",
    "/v1/members/{member_id}/growth",
    "/v1/members/{member_id}/tier",
    "/v1/members/{member_id}/tier/history",
}
PRIVATE: Final = [page for page in pages() if page.route.scope != PUBLIC]


def name_of(value: Any) -> str | None:
    return value.route.name if isinstance(value, Page) else None


class Service:
    """The service, a program of which two members have bought, and an issuer whom it trusts."""

    def __init__(self, service: WholeService, database: Database, path: Path) -> None:
        self.identity = Identity("shop", clock.system_now())
        self.other = replace(self.identity, program="other", kid="k-2", issuer="https://id.other.example")
        self.path = path
        self.trust(self.identity, self.other)
        self.owner = service.owner
        self.rows = service.rows
        self.tenant = service.tenant("shop")
        self.elsewhere = service.tenant("other")
        for tenant in (self.tenant, self.elsewhere):
            tenant.app = create_app(Settings(member_keys_file=path), database)
            for member in ("m-1", "m-2"):
                tenant.post("/v1/purchases", purchase_of(member, f"p-{member}"))

    def trust(self, *identities: Identity) -> None:
        write_keys(self.path, *(identity.trusted() for identity in identities))

    def ask(self, token: str, path: str, method: str = "GET", **arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return self.tenant.send(method, path, headers=headers, **arguments)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with open_service(cluster, template) as opened:
        database = Database(cluster.app_url(opened.database), pool_size=2)
        try:
            yield Service(opened, database, tmp_path_factory.mktemp("keys") / "keys")
        finally:
            database.close()


def undated(body: dict[str, Any]) -> dict[str, Any]:
    """An answer without the moment at which it was given."""
    return {name: value for name, value in body.items() if name != "as_of"}


def told(answer: Any, member: str) -> tuple[int, str, bytes]:
    body = answer.data.replace(answer.headers["X-Request-Id"].encode(), b"request")
    return answer.status_code, answer.content_type, body.replace(member.encode(), b"member")


def test_routes_that_are_a_members_own_are_those_that_show_what_he_has() -> None:
    assert {page.address.removeprefix("GET ") for page in PRIVATE if page.route.is_own} == OWN


@pytest.mark.parametrize("page", PRIVATE, ids=name_of)
def test_a_token_opens_what_is_its_members_own_and_nothing_else(service: Service, page: Page) -> None:
    facts = {name: "m-1" if name == "member_id" else "1" for name in page.parameters("path")}
    body = {"json": page.example(page.body)} if page.body else {}
    before = service.rows()
    answer = service.ask(service.identity.token("m-1"), page.path(facts), page.route.method, **body)
    if page.route.is_own:
        assert answer.status_code == 200, answer.data
        key = service.tenant.send("GET", page.path(facts))
        assert undated(answer.json) == undated(key.json)
    else:
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert service.rows() == before


@pytest.mark.parametrize("path", sorted(OWN))
def test_another_member_is_answered_as_one_whom_nobody_knows(service: Service, path: str) -> None:
    token = service.identity.token("m-1")
    foreign, absent = (
        told(service.ask(token, path.replace("{member_id}", member)), member) for member in ("m-2", "m-9")
    )
    assert foreign == absent
    by_key = told(service.tenant.send("GET", path.replace("{member_id}", "m-9")), "m-9")
    assert foreign == by_key
    assert foreign[0] == 404


@pytest.mark.parametrize("path", sorted(OWN))
@pytest.mark.parametrize(
    "spelled", ["m-2%2F..%2Fm-1", "M-1", "m-1%00", "m-1%20", "%6D-2", "m-1;m-2", "../m-2"]
)
def test_no_spelling_of_a_path_opens_another_members_things(
    service: Service, path: str, spelled: str
) -> None:
    answer = service.ask(service.identity.token("m-1"), path.replace("{member_id}", spelled))
    assert answer.status_code in (400, 404), answer.data
    assert answer.json["code"] in ("member_unknown", "not_found", "invalid_request")


def test_a_member_who_has_nothing_yet_is_unknown_to_himself(service: Service) -> None:
    answer = service.ask(service.identity.token("m-new"), "/v1/members/m-new/balance")
    assert (answer.status_code, answer.json["code"]) == (404, "member_unknown")


def test_a_token_is_good_for_the_program_of_its_issuer(service: Service) -> None:
    path = "/v1/members/m-1/entries"
    ours, theirs = (service.ask(each.token("m-1"), path) for each in (service.identity, service.other))
    elsewhere = service.elsewhere.send("GET", path)
    assert ours.json["data"][0]["entry_id"] != theirs.json["data"][0]["entry_id"]
    assert theirs.json == elsewhere.json


def test_a_token_of_a_program_that_is_nowhere_is_no_token(service: Service) -> None:
    nowhere = replace(service.identity, program="nowhere", kid="k-3", issuer="https://id.nowhere.example")
    service.trust(service.identity, service.other, nowhere)
    answer = service.ask(nowhere.token(), "/v1/members/m-1/balance")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("claim", ["exp", "aud", "iss"])
def test_a_token_that_is_not_believed_is_answered_as_no_key_is(service: Service, claim: str) -> None:
    past = seconds(clock.system_now() - timedelta(hours=1))
    said: dict[str, Any] = {claim: past if claim == "exp" else "another"}
    token = service.identity.token(**said)
    answer = service.ask(token, "/v1/members/m-1/balance")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ledger"'
    assert token.encode() not in answer.data


def test_a_key_that_is_trusted_no_more_ends_what_was_remembered_of_its_tokens(service: Service) -> None:
    token, path = service.identity.token("m-1"), "/v1/members/m-1/balance"
    assert [service.ask(token, path).status_code for _ in range(2)] == [200, 200]
    service.trust(service.other)
    assert service.ask(token, path).status_code == 401
    service.trust(service.identity, service.other)
    assert service.ask(token, path).status_code == 200


def test_a_remembered_token_sees_the_terms_of_the_present(service: Service) -> None:
    token, path = service.identity.token("m-1"), "/v1/members/m-1/balance"
    assert service.ask(token, path).status_code == 200
    program = service.tenant.program
    service.owner.run(lambda connection: change_terms(connection, program, terms(), clock.system_now()))
    assert undated(service.ask(token, path).json) == undated(service.tenant.send("GET", path).json)
