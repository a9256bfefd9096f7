"""The viewer of the document in a real browser, under its own content security policy.

Runs where a Chromium is installed. Browser and test talk through a pipe in the browser's own protocol, so
nothing but the browser is needed.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.serving import make_server

from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from tests.shapes import pages

BROWSER: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--remote-debugging-pipe"),
)
SECONDS: Final = 120

# The protocol wants the descriptors 3 and 4, whatever ours are.
LAUNCH: Final = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


class Browser:
    """A browser with one page. Collects what the page asks for, and what its console complains of."""

    def __init__(self, folder: Path) -> None:
        receives, self.commands = os.pipe()
        self.answers, sends = os.pipe()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                LAUNCH,
                str(receives),
                str(sends),
                str(BROWSER),
                *FLAGS,
                f"--user-data-dir={folder}",
            ],
            pass_fds=(receives, sends),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(receives)
        os.close(sends)
        self.watchdog = threading.Timer(SECONDS, self.process.kill)
        self.watchdog.start()
        self.number = 0
        self.pending = b""
        self.session: str | None = None
        self.asked: list[str] = []
        self.complaints: list[str] = []

    def open(self, address: str) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of a script in the page; of a promise, what it is kept with."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def click(self, selector: str, text: str = "") -> None:
        """Click the first such element with that text, as soon as there is one."""
        self.run(waiting(selector, text) + ".then((there) => there.click())")

    def read(self, selector: str, text: str = "") -> str:
        """The whole text of the first such element with that text, as soon as there is one."""
        said: str = self.run(waiting(selector, text) + ".then((there) => there.textContent)")
        return said

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.note(answer.get("method", ""), answer.get("params", {}))

    def receive(self) -> dict[str, Any]:
        while b"\0" not in self.pending:
            block = os.read(self.answers, 65_536)
            assert block, "the browser has ended"
            self.pending += block
        message, _, self.pending = self.pending.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received

    def note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.asked.append(facts["request"]["url"])
        elif event == "Log.entryAdded" and facts["entry"]["level"] == "error":
            self.complaints.append(facts["entry"]["text"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(facts["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and facts["type"] in ("error", "assert"):
            self.complaints.append(json.dumps(facts["args"]))

    def close(self) -> None:
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)


# Kept with the first element that the page has, or will have, for a selector and a text in it.
WAITING: Final = """
new Promise((found) => {
  const look = () => [...document.querySelectorAll(%s)].find((each) => each.textContent.includes(%s));
  const tell = () => look() && (watcher.disconnect(), found(look()));
  const watcher = new MutationObserver(tell);
  watcher.observe(document, {childList: true, subtree: true, characterData: true});
  tell();
})
"""


def waiting(selector: str, text: str = "") -> str:
    return WAITING % (json.dumps(selector), json.dumps(text))


@pytest.fixture
def address() -> Iterator[str]:
    """The service on a port of its own. Of the database nothing is asked."""
    app = create_app(Settings(), Database("postgresql://nobody@127.0.0.1:1/nothing", role=None))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def looking_at(page: str, folder: Path) -> Iterator[Browser]:
    browser = Browser(folder)
    try:
        browser.open(page)
        yield browser
    finally:
        browser.close()


def test_the_viewer_shows_every_operation_asks_nobody_else_and_complains_of_nothing(
    address: str, tmp_path: Path
) -> None:
    with looking_at(f"{address}/docs", tmp_path) as browser:
        browser.read(".title", "Loyalty ledger")
        browser.read(".opblock-summary-path", "/docs/assets/{name}")
        shown = browser.run("[...document.querySelectorAll('.opblock')].map((each) => each.id)")
        assert browser.run("getComputedStyle(document.querySelector('.opblock')).borderStyle") == "solid"
    assert {name.rpartition("-")[2] for name in shown} == {page.route.name for page in pages()}
    assert all(asked.startswith((address, "data:")) for asked in browser.asked), browser.asked
    assert f"{address}/openapi.json" in browser.asked
    assert browser.complaints == []


def test_an_operation_can_be_read_and_tried_in_the_viewer(address: str, tmp_path: Path) -> None:
    with looking_at(f"{address}/docs", tmp_path) as browser:
        browser.click("#operations-Health-show_liveness .opblock-summary-control")
        browser.read(".opblock.is-open .opblock-description", "Restart it when it does not")
        browser.click(".opblock.is-open button", "Try it out")
        browser.click(".opblock.is-open button", "Execute")
        answer = browser.read(".live-responses-table .microlight", "status")
    assert json.loads(answer) == {"status": "ok"}
    assert f"{address}/livez" in browser.asked
    assert browser.complaints == []


def test_a_browser_holds_the_policy_against_what_is_not_ours(address: str, tmp_path: Path) -> None:
    with looking_at(f"{address}/docs", tmp_path) as browser:
        browser.read(".title", "Loyalty ledger")
        browser.run(
            "new Promise((done) => { document.addEventListener('securitypolicyviolation', (e) => done());"
            "const script = document.createElement('script'); script.textContent = 'window.inlined = 1';"
            "document.body.append(script); })"
        )
        assert browser.run("window.inlined") is None
        assert browser.run("fetch('http://[::1]:1/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)
