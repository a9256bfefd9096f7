"""A database over TLS: spoken to when it proves its name, and by a certificate of one's own where that is demanded."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy.engine import make_url

from ledger import clock
from ledger.command_line import open_database
from ledger.config import Settings
from ledger.errors import DatabaseUnavailable
from tests.conftest import TestDatabase

SECONDS: Final = 30
ASKS_FOR_TLS: Final = bytes.fromhex("0000000804d2162f")
PASSWORD_PLEASE: Final = bytes.fromhex("520000000800000003")


def certificate(folder: Path, name: str) -> Path:
    """A certificate of a host that vouches for itself, with its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.system_now()
    of = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(of)
        .issuer_name(of)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}-{made.serial_number}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Front:
    """A server that speaks TLS before a database on a socket of this machine, as a database over a network does."""

    def __init__(
        self, address: str, certified: Path, *, demands: Path | None = None, asks_password: bool = False
    ):
        query = make_url(address).query
        self.behind = f"{query['host']}/.s.PGSQL.{query['port']}"
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certified)
        if demands is not None:
            self.tls.verify_mode = ssl.CERT_REQUIRED
            self.tls.load_verify_locations(demands)
        self.asks_password = asks_password
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked: list[bytes] = []
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self._answer, args=(caller,), daemon=True))
                self.threads[-1].start()

    def _answer(self, caller: socket.socket) -> None:
        with suppress(OSError), caller:
            self.asked.append(caller.recv(8))
            if self.asked[-1] != ASKS_FOR_TLS:
                return
            caller.sendall(b"S")
            with (
                self.tls.wrap_socket(caller, server_side=True) as sealed,
                socket.socket(socket.AF_UNIX) as behind,
            ):
                if self.asks_password:
                    sealed.recv(65_536)
                    sealed.sendall(PASSWORD_PLEASE)
                    self.asked.append(sealed.recv(65_536))
                    return
                behind.connect(self.behind)
                there = threading.Thread(target=_pass_on, args=(sealed, behind), daemon=True)
                there.start()
                _pass_on(behind, sealed)
                there.join(SECONDS)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def fronted(address: str, certified: Path, **how: Any) -> Iterator[Front]:
    front = Front(address, certified, **how)
    try:
        yield front
    finally:
        front.listener.shutdown(socket.SHUT_RDWR)
        front.listener.close()
        for each in front.threads:
            each.join(SECONDS)


def asked_through(front: Front, address: str, host: str, ca: Path, shown: Path | None = None) -> int:
    """What the database answers by the settings of a service that demands proof, or shows a certificate of its own."""
    plain = make_url(address)
    over = plain.set(query={}, host=host, port=front.port)
    url = f"{over.render_as_string(hide_password=False)}?hostaddr=127.0.0.1&sslrootcert={ca}"
    demanded = "verify-full"
    if shown is not None:
        url, demanded = f"{url}&sslcert={shown}&sslkey={shown}", "certificate"
    settings = Settings.from_environment({"LEDGER_DATABASE_URL": url, "LEDGER_DATABASE_TLS": demanded})
    assert settings.database_url is not None
    database = open_database(settings.database_url, settings)
    try:
        answer: int = database.run(lambda connection: connection.exec_driver_sql("SELECT 42").scalar_one())
        return answer
    finally:
        database.close()


@pytest.fixture
def address(fresh_database: TestDatabase) -> str:
    if "host" not in make_url(fresh_database.app_url).query:
        pytest.skip("the given server is no socket of this machine")
    return fresh_database.app_url


def test_a_database_that_proves_its_name_is_spoken_to(address: str, tmp_path: Path) -> None:
    certified = certificate(tmp_path, "db.example")
    with fronted(address, certified) as front:
        assert asked_through(front, address, "db.example", certified) == 42
        assert front.asked == [ASKS_FOR_TLS]


@pytest.mark.parametrize("flaw", ["another name", "nobody vouches"])
def test_a_database_that_does_not_prove_its_name_is_not_spoken_to(
    address: str, tmp_path: Path, flaw: str
) -> None:
    certified = certificate(tmp_path, "db.example")
    host, ca = (
        ("elsewhere.example", certified)
        if flaw == "another name"
        else ("db.example", certificate(tmp_path, "db.example"))
    )
    with fronted(address, certified) as front:
        with pytest.raises(DatabaseUnavailable):
            asked_through(front, address, host, ca)
        assert set(front.asked) == {ASKS_FOR_TLS}


def test_a_service_that_shows_a_certificate_is_let_in_without_a_password(
    address: str, tmp_path: Path
) -> None:
    certified, own = certificate(tmp_path, "db.example"), certificate(tmp_path, "ledger")
    with fronted(address, certified, demands=own) as front:
        assert asked_through(front, address, "db.example", certified, shown=own) == 42


def test_a_certificate_that_the_database_does_not_know_opens_nothing(address: str, tmp_path: Path) -> None:
    certified, own, other = (certificate(tmp_path, name) for name in ("db.example", "ledger", "ledger"))
    with fronted(address, certified, demands=own) as front, pytest.raises(DatabaseUnavailable):
        asked_through(front, address, "db.example", certified, shown=other)


def test_a_database_that_lets_anybody_in_without_a_certificate_is_not_spoken_to(
    address: str, tmp_path: Path
) -> None:
    certified, own = certificate(tmp_path, "db.example"), certificate(tmp_path, "ledger")
    with fronted(address, certified) as front, pytest.raises(DatabaseUnavailable):
        asked_through(front, address, "db.example", certified, shown=own)


def test_a_database_that_asks_for_a_password_is_told_none(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    certified, own = certificate(tmp_path, "db.example"), certificate(tmp_path, "ledger")
    with (
        fronted(address, certified, demands=own, asks_password=True) as front,
        pytest.raises(DatabaseUnavailable),
    ):
        asked_through(front, address, "db.example", certified, shown=own)
    assert set(front.asked) <= {ASKS_FOR_TLS, b""}
    assert b"" in front.asked
