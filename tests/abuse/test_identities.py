"""Callers who say that they are somebody else: forged tokens and sessions, foreign ids, prices of their own."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from itsdangerous import URLSafeTimedSerializer

from ledger import clock
from ledger.access import PUBLIC
from tests.concurrency.http.race import Contest
from tests.member_tokens import Identity, rsa_key
from tests.shapes import Page, pages
from tests.whole_service import purchase_of

from .shop import Reply, Shop, refused

PRIVATE: Final = [page for page in pages() if page.route.scope != PUBLIC]
UP: Final = ("..%2f", "%2e%2e%2f", "..%252f", "%2e%2e/", "..\\", "..%5c", "..%c0%af", "%00..%2f")
OWN: Final = [page for page in PRIVATE if page.route.is_own]


def name_of(value: Any) -> str | None:
    return value.route.name if isinstance(value, Page) else None


class Pair:
    """Two members who have bought, and the ids of what has happened to the second."""

    def __init__(self, shop: Shop) -> None:
        contest = shop.contest()
        self.mine, self.theirs = contest.member(100), contest.member(100)
        hold = contest.send(contest.holding(self.theirs, points=5)).document
        redemption = contest.send(contest.redeeming(self.theirs, 5)).document
        bought = contest.buying(self.theirs, 10, "their-purchase")
        entry = contest.send(bought).document
        self.facts = {
            "member_id": self.theirs,
            "purchase_id": "their-purchase",
            "entry_id": entry["entry_id"],
            "hold_id": hold["hold_id"],
            "redemption_id": redemption["redemption_id"],
            "period": "2026-01",
            "version": "1",
        }


@pytest.fixture(scope="module")
def pair(shop: Shop) -> Pair:
    return Pair(shop)


def told(reply: Reply, member: str) -> tuple[int, str, bytes]:
    """An answer without what differs by itself: its id, and the name that was asked for."""
    body = reply.body.replace(reply.head["x-request-id"].encode(), b"request")
    return reply.status, reply.head["content-type"], body.replace(member.encode(), b"member")


@pytest.mark.parametrize("page", PRIVATE, ids=name_of)
def test_a_members_token_opens_no_url_of_another_member(shop: Shop, pair: Pair, page: Page) -> None:
    """McDelivery 2024: with my token on your every URL, as if you were not there."""
    body = page.example(page.body) if page.body else None
    reply = shop.ask(shop.token(pair.mine), page.route.method, page.path(pair.facts), body)
    if page.route.is_own:
        absent = page.path({**pair.facts, "member_id": "nobody-1"})
        nobody = shop.ask(shop.token(pair.mine), page.route.method, absent, body)
        assert told(reply, pair.theirs) == told(nobody, "nobody-1")
        refused(reply, 404, "member_unknown")
    else:
        refused(reply, 403, "forbidden")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_secret(head: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token that is signed with a secret, which no library would take."""
    signed = f"{part({**head, 'alg': 'HS256'})}.{part(claims)}"
    code = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def forgeries(identity: Identity, member: str) -> Iterator[tuple[str, str]]:
    """Tokens for a member that the service must not believe."""
    now = int(clock.system_now().timestamp())
    claims = identity.claims(member, iat=now, exp=now + 600)
    head = {"alg": identity.algorithm, "kid": identity.kid, "typ": "at+jwt"}
    for none in ("none", "None", "NONE"):
        yield none, f"{part({**head, 'alg': none})}.{part(claims)}."
    sound = identity.token(member, iat=now, exp=now + 600)
    first, second, signature = sound.split(".")
    yield "signature left out", f"{first}.{second}."
    yield "signature of something else", f"{first}.{part({**claims, 'sub': 'other'})}.{signature}"
    public = identity.key.public_key()
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        for encoding in (Encoding.PEM, Encoding.DER):
            yield "RS to HS", by_secret(head, claims, public.public_bytes(encoding, form))
    yield "another's key", identity.token(member, key=rsa_key(number=7), iat=now, exp=now + 600)
    own = {"jwk": {"kty": "oct", "k": "c2VjcmV0"}, "alg": "HS256"}
    yield "key in the head", by_secret({**head, **own}, claims, b"secret")
    elsewhere = {"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    yield (
        "key elsewhere",
        identity.token(member, key=rsa_key(number=7), header=elsewhere, iat=now, exp=now + 600),
    )
    yield "unknown extension", identity.token(member, header={"crit": ["x"], "x": 1}, iat=now, exp=now + 600)
    for name, value in {"aud": "another", "iss": "https://evil.example", "exp": now - 1}.items():
        wrong: dict[str, Any] = {"iat": now - 60, "exp": now + 600, name: value}
        yield f"wrong {name}", identity.token(member, **wrong)
    for name in ("aud", "iss", "exp", "sub"):
        without: dict[str, Any] = {"iat": now, "exp": now + 600, name: None}
        yield f"no {name}", identity.token(member, **without)
    yield "wrong type", identity.token(member, header={"typ": "id+jwt"}, iat=now, exp=now + 600)
    yield "unknown key", identity.token(member, header={"kid": "k-9"}, iat=now, exp=now + 600)
    yield "no key", identity.token(member, header={"kid": None}, iat=now, exp=now + 600)
    yield "weak secret", by_secret(head, claims, b"secret")


def test_a_token_that_was_not_signed_for_us_opens_nothing(shop: Shop, pair: Pair) -> None:
    """Forged tokens (none, RS to HS, wrong audience, expired …): as no token, on every route of a member."""
    own = [page.path({"member_id": pair.mine}) for page in OWN]
    assert [shop.ask(shop.token(pair.mine), "GET", path).status for path in own] == [200] * len(own)
    for name, token in forgeries(shop.identity, pair.mine):
        for path in own:
            reply = shop.ask(token, "GET", path)
            assert (reply.status, reply.code) == (401, "unauthenticated"), (name, path)
            assert token.encode() not in reply.body


@pytest.mark.parametrize("secret", ["secret", "dev", "changeme", "admin", "key", ""])
def test_a_session_that_somebody_has_signed_is_no_session(shop: Shop, secret: str) -> None:
    """points.com 2023: a cookie signed with "secret" made its owner an administrator. Here cookies mean nothing."""
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha1}
    signer = URLSafeTimedSerializer(secret or "x", salt="cookie-session", signer_kwargs=options)
    forged = signer.dumps({"user_id": 1, "is_admin": True, "role": "admin"})
    for path in ("/v1/program", "/v1/approvals", "/metrics"):
        reply = shop.ask(None, "GET", path, cookie=f"session={forged}; role=admin")
        assert reply.status == (200 if path == "/metrics" else 401)
        assert "set-cookie" not in reply.head


@pytest.mark.parametrize("page", [page for page in PRIVATE if page.parameters("path")], ids=name_of)
def test_no_id_leads_up_and_out_of_its_place(shop: Shop, pair: Pair, page: Page) -> None:
    """points.com 2023: an id with an encoded ../ in it reached an internal API."""
    body = page.example(page.body) if page.body else None
    last = re.findall(r"\{(\w+)\}", page.address)[-1]
    for target in (
        form.format(step) for step in UP for form in ("{0}{0}metrics", "m-1{0}m-2", "{0}etc%2fpasswd")
    ):
        path = page.path({**pair.facts, last: target})
        reply = shop.ask(shop.key(), page.route.method, path, body)
        assert reply.status in (400, 404), (path, reply.status, reply.body)
        assert reply.head["content-type"] == "application/problem+json"


CLIENTS_OWN: Final[dict[str, Any]] = {
    "points": 1_000_000,
    "growth": 1_000_000,
    "tier": "diamond",
    "price": {"amount": 1, "currency": "CNY"},
    "total": 1,
    "awards": [{"rule": "base", "amount": 1_000_000}],
    "rate": "1000.0",
    "multiplier": 100,
    "campaign": "spring",
    "balance": 1_000_000,
    "role": "admin",
    "scopes": ["approve"],
    "is_test": True,
    "approved_by": "somebody",
    "program": "other",
    "__proto__": {"points": 1},
}


@pytest.mark.parametrize("name", CLIENTS_OWN)
def test_what_a_purchase_is_worth_is_not_for_its_sender_to_say(
    shop: Shop, contest: Contest, name: str
) -> None:
    """McDelivery 2024: an order at one rupee. Whatever the ledger works out itself is refused where it is sent."""
    member = contest.fresh()
    wish = contest.buying(member, 10)
    reply = shop.ask(contest.token, "POST", wish.path, {**wish.body, name: CLIENTS_OWN[name]})
    refused(reply, 400, "invalid_request")
    assert [error["field"] for error in reply.document["errors"]] == [name]
    refused(shop.ask(contest.token, "GET", f"/v1/members/{member}/balance"), 404, "member_unknown")


@cache
def taking_bodies() -> list[Page]:
    return [page for page in PRIVATE if page.body and page.body.get("additionalProperties") is False]


@pytest.mark.parametrize("name", ["points_value_override", "tier", "is_admin"])
def test_no_route_passes_over_what_it_does_not_know(shop: Shop, pair: Pair, name: str) -> None:
    """McDelivery 2024: mass assignment, on every route that takes a body."""
    assert taking_bodies()
    for page in taking_bodies():
        assert page.body is not None
        body = {**page.example(page.body), name: True}
        reply = shop.ask(shop.key(), page.route.method, page.path(pair.facts), body)
        assert reply.status in (400, 422), (page.route.name, reply.body)


def test_a_quote_is_worth_what_the_ledger_has_quoted(shop: Shop) -> None:
    """McDelivery 2024: a quote of one price pays no purchase of another, and not another member's."""
    program = shop.program()
    contest = shop.contest(program=program)
    proposed = shop.must(
        shop.key("operator", program), "POST", "/v1/rates", {"rate": "0.0100", "reason": "a test"}
    )
    shop.approve(proposed, program)
    member, other = contest.member(500), contest.member(500)
    quote = contest.send(contest.quoting(member, 2_000, 100)).document["quote_id"]
    cheap = contest.paying(member, 1, quote)
    answer = contest.send(cheap)
    assert (answer.status, answer.code) == (422, "quote_price_mismatch")
    stolen = contest.send(contest.paying(other, 20, quote))
    assert (stolen.status, stolen.code) == (404, "quote_unknown")
    assert (contest.available(member), contest.available(other)) == (500, 500)


def test_of_two_programs_neither_reaches_into_the_other(shop: Shop, pair: Pair) -> None:
    """McDelivery 2024: the key of one program on what is another's."""
    program = shop.program()
    shop.contest(program=program).send(shop.contest(program=program).buying("m-1", 1))
    for page in (
        page for page in PRIVATE if page.route.method == "GET" and "member_id" in page.parameters("path")
    ):
        reply = shop.ask(shop.key("admin", program), "GET", page.path(pair.facts))
        refused(reply, 404, "member_unknown")


def test_a_body_of_a_purchase_is_sound_without_what_is_refused_above(contest: Contest) -> None:
    """What was refused above was refused for what it added."""
    wish = contest.buying(contest.fresh(), 10)
    assert set(purchase_of("m-1", "p-1")) == set(wish.body)
    assert contest.send(wish).status == 201
