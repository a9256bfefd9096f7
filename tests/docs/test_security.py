"""The page of security names tests; each of them is there, in the file that it is said to stand in."""

import re
from typing import Final

from ledger.access.member_keys import ALGORITHMS
from tests.docs.pages import ROOT, text_of

PAGE: Final = text_of("docs/security.md")


def named() -> list[tuple[str, str]]:
    """Every test that the page names, with the file named last before it."""
    found, file = [], ""
    for word in re.findall(r"`(tests/[\w/.]+|test_\w+)`", PAGE):
        if word.startswith("tests/"):
            file = word
        else:
            found.append((file, word))
    return found


def test_every_test_that_the_page_names_is_in_its_file() -> None:
    assert len(named()) > 40
    wrong = [
        (file, test)
        for file, test in named()
        if not re.search(rf"(?m)^def {test}\(", (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert not wrong


def test_every_test_of_abuse_stands_on_the_page() -> None:
    files = sorted((ROOT / "tests" / "abuse").glob("test_*.py"))
    assert files
    assert not [file.name for file in files if f"tests/abuse/{file.name}" not in PAGE]


def test_every_incident_names_what_stops_it() -> None:
    rows = re.findall(
        r"(?m)^\| (.+?) \|.*\|$", PAGE.partition("## What has happened")[2].partition("\n## ")[0]
    )[1:]
    assert len([row for row in rows if not row.startswith("--")]) == 17


def test_the_inventory_names_every_algorithm_of_the_code() -> None:
    inventory = PAGE.partition("#### The inventory of cryptography")[2].partition("\n#### ")[0]
    assert not [name for name in ALGORITHMS if not re.search(rf"\b{name}\b", inventory)]
    used = set()
    for file in (ROOT / "ledger").rglob("*.py"):
        used |= set(re.findall(r"\bhashlib(?:\.| import )(\w+)", file.read_text(encoding="utf-8")))
    named = {"sha256": "SHA-256", "blake2b": "BLAKE2b"}
    assert used == named.keys()
    assert all(name in inventory for name in named.values())


def test_every_requirement_that_is_open_says_why() -> None:
    rows = re.findall(r"(?m)^\| ([\d., to]+?) \| (.+?) \| (.*) \|$", PAGE.partition("## ASVS")[2])
    assert len(rows) > 80
    assert not [
        number for number, state, why in rows if not why or not re.match("met|n/a|open|deployment", state)
    ]
