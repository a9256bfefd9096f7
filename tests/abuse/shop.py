"""A running service as thieves find it: programs with keys of every role, and members with tokens of their own."""

import itertools
import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from ledger import clock
from tests.concurrency.http.race import Contest, Sent
from tests.faults.clients import Answer
from tests.faults.service import SECONDS, Service, ledger
from tests.member_tokens import Identity, write_keys

JSON: Final = "application/json"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reply(Answer):
    """An answer with its head. Names of headers are in small letters."""

    head: dict[str, str] = field(default_factory=dict)


class Shop:
    """A service on books of its own, which believes the tokens of one identity service."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.identity = Identity("default", clock.system_now(), "RS256")
        keys = write_keys(folder / "member-keys", self.identity.trusted())
        books = folder / "books"
        settings |= {"LEDGER_MEMBER_KEYS_FILE": str(keys)}
        self.service = Service(folder, *arguments, data=books, **settings)
        self.data = str(books)
        self._keys: dict[tuple[str, str], str] = {}

    def key(self, role: str = "admin", program: str = "default") -> str:
        """The key of a role; the same one each time."""
        if (program, role) not in self._keys:
            self._keys[program, role] = self.fresh_key(role, program)
        return self._keys[program, role]

    def fresh_key(self, role: str, program: str = "default") -> str:
        """A key that nobody else has."""
        where = ("--program", program, "--data", self.data)
        return ledger("keys", "create", "--role", role, *where).stdout.strip()

    def program(self, *options: str) -> str:
        """The name of a new program."""
        name = f"program-{next(_numbers)}"
        ledger("programs", "create", name, *options, "--data", self.data)
        return name

    def contest(self, role: str = "admin", program: str = "default") -> Contest:
        """A key's view of the races, with names of its own."""
        return Contest(self.service.port, self.key(role, program), f"a{next(_numbers)}")

    def token(self, member_id: str, **changes: Any) -> str:
        """A member's token that is good for ten minutes from now."""
        now = int(clock.system_now().timestamp())
        return self.identity.token(member_id, **{"iat": now, "exp": now + 600, **changes})

    def ask(self, token: str | None, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own; a posting gets an idempotency key unless it brings one."""
        head = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if token is not None:
            head.setdefault("authorization", f"Bearer {token}")
        if method == "POST":
            head.setdefault("idempotency-key", f"k-{next(_numbers)}")
        sent = body
        if body is not None and not isinstance(body, bytes):
            sent = json.dumps(body).encode()
        if sent is not None:
            head.setdefault("content-type", JSON)
        with closing(HTTPConnection("127.0.0.1", self.service.port, timeout=SECONDS)) as connection:
            connection.request(method, path, sent, head)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, answer.read(), head=told)

    def must(self, token: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What a request that succeeds has answered."""
        reply = self.ask(token, method, path, body)
        assert reply.status in (200, 201, 202), (path, reply.body)
        return reply.document

    def approve(self, proposed: dict[str, Any], program: str = "default") -> None:
        """Let another key carry out what was proposed."""
        path = f"/v1/approvals/{proposed['approval_id']}/approve"
        self.must(self.key("approver", program), "POST", path)

    def grant(self, fund: str, points: int, program: str = "default") -> None:
        """Points for a budget, by two keys."""
        wanted = {"points": points, "reason": "a plan", "reference": f"{fund}-{next(_numbers)}"}
        path = f"/v1/funds/{fund}/grants"
        self.approve(self.must(self.key("operator", program), "POST", path, wanted), program)

    def rule(self, program: str, *rules: dict[str, Any], **parts: Any) -> None:
        """Let a program earn by these rules from now on, by two keys."""
        maker, content = self.key("operator", program), {"rules": list(rules), **parts}
        saved = self.must(maker, "POST", "/v1/rule-sets", {"content": content})
        path = f"/v1/rule-sets/{saved['version']}/proposals"
        self.approve(self.must(maker, "POST", path), program)

    def verify(self) -> None:
        """The books are sound, by the auditors' command; fails otherwise."""
        assert "The books are sound." in ledger("verify", "--data", self.data).stdout


def refused(answer: Reply | Answer, status: int, *codes: str) -> None:
    """The answer is this refusal, or one of these."""
    assert (answer.status, answer.code in codes) == (status, True), answer.body


def dated(wish: Sent, when: datetime | None = None) -> Sent:
    """A wish that says it happened then; now, unless told otherwise."""
    return replace(wish, body={**wish.body, "occurred_at": (when or clock.system_now()).isoformat()})


def statement(contest: Contest, member: str) -> list[dict[str, Any]]:
    """What the books say of a member, newest first; at most 200 entries."""
    found: list[dict[str, Any]] = contest.get(f"/v1/members/{member}/entries?limit=200")["data"]
    return found
