"""The page of a close pack: every figure as people write it, in two languages, and nothing of the books as markup."""

import copy
from html.parser import HTMLParser
from typing import Any

import pytest

from ledger.finance.periods.markup import Figures, share
from ledger.finance.periods.page import PRINTED_ENTRIES, PRINTED_KEYS, page_of_pack
from tests.finance.closing import closed, pack_of
from tests.finance.signing import signer
from tests.till import Till, day

EVIL = "</style><script>alert('x')</script>&\"'"


class Tags(HTMLParser):
    """The tags of a page, each with its attributes, and whether every one that is opened is closed."""

    EMPTY = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def pack(till: Till) -> dict[str, Any]:
    """Of a month in which there was something of most things."""
    till.at(day(3)).buy("m-1", 1_234_500)
    till.award("m-2", 40, expires_at=day(20))
    till.at(day(25)).redeem("m-1", 345)
    till.sweep()
    return closed(till.at(day(40)), "2026-01")


def test_page_is_whole_and_says_what_the_pack_says(pack: dict[str, Any]) -> None:
    page = page_of_pack(pack, "ab" * 32)
    tags = Tags(page)
    assert not tags.open
    assert tags.found[0] == ("html", {"lang": "en"})
    assert page.startswith("<!DOCTYPE html>\n")
    for said in (
        "12,345",
        "12,000",
        "345",
        "ab" * 32,
        "积分变动表",
        "试算平衡表",
        pack["known_as_of"],
        "2026-01-31",
    ):
        assert said in page
    headings = [attrs["id"] for tag, attrs in tags.found if tag == "h2"]
    assert headings == [
        "points",
        "money",
        "liability",
        "trial-balance",
        "ties",
        "basis",
        "entries",
        "signatures",
    ]
    for tag, attrs in tags.found:
        if tag == "section":
            assert attrs["aria-labelledby"] in headings
        if tag == "svg":
            assert attrs["role"] == "img"
        if tag == "th":
            assert attrs["scope"] in ("row", "col")


def test_same_pack_gives_the_same_bytes(pack: dict[str, Any]) -> None:
    assert page_of_pack(pack, "ab") == page_of_pack(copy.deepcopy(pack), "ab")


def test_nothing_from_the_books_is_markup(pack: dict[str, Any]) -> None:
    def spoiled(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {member: spoiled(each, member) for member, each in value.items()}
        if isinstance(value, list):
            return [spoiled(each) for each in value]
        return EVIL if name in FREE_TEXTS else value

    entry = {
        "entry_id": "ent_1",
        "kind": "adjust",
        "effective_at": "x",
        "recorded_at": "x",
        "points": -5,
        **dict.fromkeys(("member_id", "maker", "checker", "reason"), ""),
    }
    pack["manual_entries"] = {"entries": 1, "data": [entry]}
    page = page_of_pack(spoiled(pack), "ab")
    tags = {tag for tag, _ in Tags(page).found}
    assert "script" not in tags
    assert page.count("</style>") == 1
    assert page.count("&lt;script&gt;") > 5


FREE_TEXTS = {
    "program",
    "closed_by",
    "key",
    "reason",
    "member_id",
    "maker",
    "checker",
    "proposed_by",
    "approved_by",
    "method",
}


def test_what_is_not_printed_is_counted(pack: dict[str, Any]) -> None:
    row = dict(pack["points_by"]["store"]["rows"][0])
    rows = [row | {"key": f"s-{number:03}"} for number in range(900)]
    pack["points_by"]["store"] = {"keys": 1_234, "rows": rows, "rest": row}
    page = page_of_pack(pack, "ab")
    assert f"{PRINTED_KEYS} of 1,234 are printed; the pack has more." in page
    assert f"s-{PRINTED_KEYS - 1:03}" in page
    assert f"s-{PRINTED_KEYS:03}<" not in page
    assert PRINTED_ENTRIES < 1_000


def test_checkpoint_of_a_lock_stands_on_the_cover(till: Till) -> None:
    from tests.finance.closing import locked, soft_closed

    till.buy("m-1", 500)
    till.at(day(40))
    soft_closed(till, "2026-01")
    locked(till, "2026-01", signer())
    pack = pack_of(till, "2026-01")
    page = page_of_pack(pack, "ab")
    assert pack["checkpoint"]["root"] in page
    assert pack["checkpoint"]["checkpoint_id"] in page


@pytest.mark.parametrize(
    ("currency", "minor", "shown"),
    [
        ("CNY", 0, "0.00"),
        ("CNY", 123_456_789, "1,234,567.89"),
        ("CNY", -5, "\N{MINUS SIGN}0.05"),
        ("JPY", 1_234, "1,234"),
        ("JPY", -1, "\N{MINUS SIGN}1"),
        ("KWD", 1_234_567, "1,234.567"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(currency: str, minor: int, shown: str) -> None:
    assert Figures(currency).money(minor) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.300000", "30.0000"),
        ("1.000000", "100.0000"),
        ("0.019443", "1.9443"),
        ("-0.050000", "\N{MINUS SIGN}5.0000"),
        ("12.345678", "1234.5678"),
        ("0.000001", "0.0001"),
    ],
)
def test_share_is_written_as_a_percentage(value: str, shown: str) -> None:
    assert share(value) == f"{shown}\N{NO-BREAK SPACE}%"
