"""No secret that a service has seen stands anywhere: not in the books, nor the log, nor the metrics, nor an answer."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from ledger import clock
from ledger.access.member_keys import MemberKeys
from ledger.config import Settings
from tests.conftest import TestDatabase
from tests.faults.service import SECONDS, Service, ledger
from tests.member_tokens import Identity, write_keys
from tests.whole_service import purchase_of

ROLES: Final = ("admin", "operator", "approver")


class Session:
    """What somebody does with a service at its most talkative, and all that can be read of it afterwards."""

    def __init__(self, database: TestDatabase, folder: Path) -> None:
        self.database = database
        self.identity = Identity("default", clock.system_now(), "HS256", key=secrets.token_bytes(32))
        self.password, self.metrics_token = secrets.token_hex(16), secrets.token_hex(16)
        address = make_url(database.app_url).set(password=self.password)
        self.settings = {
            "LEDGER_DATABASE_URL": address.render_as_string(hide_password=False),
            "LEDGER_OWNER_DATABASE_URL": database.owner_url,
            "LEDGER_METRICS_TOKEN": self.metrics_token,
            "LEDGER_MEMBER_KEYS_FILE": str(write_keys(folder / "keys", self.identity.trusted())),
            "LEDGER_LOG_LEVEL": "DEBUG",
            "LEDGER_UNSAFE_DURABILITY": "1",
            "LEDGER_WORKERS": "1",
        }
        ledger("programs", "create", "default", **self.settings)
        self.keys = {
            role: ledger("keys", "create", "--role", role, **self.settings).stdout.strip() for role in ROLES
        }
        self.token = self.identity.token("m-1")
        self.said = b""
        self.service = Service(folder, **self.settings)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, bearer: str | None, body: bytes | None = None) -> int:
        """The status of a request; everything of its answer is kept."""
        head = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        head |= {"Idempotency-Key": secrets.token_hex(8)} if method == "POST" else {}
        head |= {"Content-Type": "application/json"} if body else {}
        with closing(HTTPConnection("127.0.0.1", self.service.port, timeout=SECONDS)) as connection:
            connection.request(method, path, body, head)
            answer = connection.getresponse()
            self.said += repr(answer.getheaders()).encode() + answer.read()
            return answer.status

    def secrets(self) -> Iterator[tuple[str, bytes]]:
        """Every secret by its name, in every form that it could be written down in."""
        plain = {
            "the database's password": self.password,
            "the token of the metrics": self.metrics_token,
            "a member's token": self.token,
            "the signature of a member's token": self.token.rpartition(".")[2],
            **{f"the key of {role}": key for role, key in self.keys.items()},
            **{f"the secret of the key of {role}": key.rpartition("_")[2] for role, key in self.keys.items()},
        }
        raw = {name: text.encode() for name, text in plain.items()}
        raw["the secret of the identity service"] = self.identity.key
        for name, secret in raw.items():
            yield name, secret
            yield f"{name}, in hex", secret.hex().encode()
            yield f"{name}, in base64", base64.b64encode(secret).rstrip(b"=")
            yield f"{name}, in base64 of addresses", base64.urlsafe_b64encode(secret).rstrip(b"=")

    def owner(self) -> psycopg.Connection[tuple[str, ...]]:
        """A connection of the database's owner."""
        address = make_url(self.database.owner_url).set(drivername="postgresql")
        return psycopg.connect(address.render_as_string(hide_password=False))

    def dump(self) -> bytes:
        """Every row of every table, as text."""
        with self.owner() as c:
            tables = [
                name for (name,) in c.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            rows = [
                row
                for table in tables
                for (row,) in c.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            ]
        assert any("m-1" in row for row in rows)
        return "\n".join(rows).encode()


def live(session: Session) -> None:
    """Good requests, bad ones, strangers', and a database that goes away in between."""
    key = session.keys["admin"]
    bought = json.dumps(purchase_of("m-1", "p-1")).encode()
    assert session.ask("POST", "/v1/purchases", key, bought) == 201
    assert session.ask("GET", "/v1/members/m-1/balance", session.token) == 200
    assert session.ask("GET", "/v1/members/m-2/balance", session.token) == 404
    assert session.ask("POST", "/v1/purchases", session.token, bought) == 403
    forged = session.token[:-4] + "AAAA"
    for bearer in (key[:-1] + "!", key[:-1], key + "x", forged, session.metrics_token, session.password):
        assert session.ask("GET", "/v1/members/m-1/balance", bearer) == 401
    assert session.ask("GET", "/metrics", session.metrics_token) == 200
    assert session.ask("GET", "/metrics", session.metrics_token[:-1]) == 401
    assert session.ask("GET", f"/v1/program?token={key}", None) == 401
    assert session.ask("GET", f"/v1/program?token={key}", key) == 400
    assert (
        session.ask("POST", "/v1/purchases", key, b'{"Authorization": "Bearer ' + key.encode() + b'"}') == 400
    )
    wanted = json.dumps({"member_id": "m-1", "points": 5, "reason": "a mistake"}).encode()
    assert session.ask("POST", "/v1/adjustments", session.keys["operator"], wanted) == 202
    with session.owner() as c:
        c.execute("ALTER TABLE rates RENAME TO rates_gone")
        c.commit()
        failed = session.ask("GET", "/v1/rates", key)
        c.execute("ALTER TABLE rates_gone RENAME TO rates")
        c.commit()
    assert failed == 500


def test_no_secret_of_a_session_is_written_down(fresh_database: TestDatabase, tmp_path: Path) -> None:
    session = Session(fresh_database, tmp_path)
    try:
        live(session)
    finally:
        session.service.close()
    log = session.service.log.read_bytes()
    assert b"Traceback" in log, "nothing has failed, so nothing was tried"
    places = {
        "the books": session.dump(),
        "the log": log,
        "what it printed": "".join(session.service.said).encode(),
        "answers": session.said,
    }
    found = [
        (name, place)
        for place, text in places.items()
        for name, secret in session.secrets()
        if secret in text
    ]
    # A caller who puts a key into an address or a body is told where it stood, and not what it was.
    assert not found
    shown = repr(Settings.from_environment(session.settings)) + repr(MemberKeys(tmp_path / "keys"))
    assert not [name for name, secret in session.secrets() if secret in shown.encode()]
