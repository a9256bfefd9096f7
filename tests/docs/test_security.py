"""The page of security names tests; each of them is there, in the file that it is said to stand in."""

import re
from typing import Final

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
