"""The chapters on points plus cash name what there is: codes, states, members of answers; in both languages alike."""

import re

import pytest

from ledger.errors import error_classes
from ledger.fx.quote_schemas import QuoteAnswerSchema
from ledger.redemption.schemas import STATUSES
from tests.docs.pages import blocks, text_of

ENGLISH, CHINESE = APPS = ("docs/app-developers.md", "docs/app-developers.zh.md")
CHECKOUT = "docs/integrators.md"
CHAPTERS = {
    ENGLISH: "Points plus cash: the slider",
    CHINESE: "积分加现金：滑块",
    CHECKOUT: "Points plus cash",
}


def chapter(page: str) -> str:
    """The chapter of a page, with what is below it."""
    (found,) = re.findall(rf"(?ms)^## {CHAPTERS[page]}$(.*?)(?=^## |\Z)", text_of(page))
    return str(found)


def test_an_app_is_shown_the_same_examples_in_both_languages() -> None:
    assert blocks(ENGLISH, "sh") == blocks(CHINESE, "sh")
    shown = [re.findall(r"(?ms)^```json\n(.*?)^```$", chapter(page)) for page in APPS]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("page", CHAPTERS)
def test_the_codes_that_a_chapter_names_are_codes(page: str) -> None:
    named = re.findall(r"\b(4\d\d) `([a-z_]+)`", chapter(page))
    assert named
    statuses = {code: status for status, code in named}
    assert statuses.keys() <= {kind.code for kind in error_classes()}
    headings = re.findall(r"(?ms)^### `([a-z_]+)`\n\n\*\*(\d+)\*\*", text_of("docs/errors.md"))
    assert statuses.items() <= dict(headings).items()


@pytest.mark.parametrize("page", APPS)
def test_every_state_of_a_hold_has_words_for_members(page: str) -> None:
    told = re.findall(r"(?m)^\| `([a-z]+)` \| ", chapter(page).rpartition("`status`")[2])
    assert tuple(told) == STATUSES


@pytest.mark.parametrize("page", APPS)
def test_the_table_of_the_slider_names_members_of_a_quote(page: str) -> None:
    table = chapter(page).partition("`status`")[0]
    rows = re.findall(r"(?m)^\| ((?:`[a-z_]+`[, 、]*)+) \| ", table)
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert {"options", "value_per_point", "expires_at"} <= told
    assert told <= {*QuoteAnswerSchema().fields}
