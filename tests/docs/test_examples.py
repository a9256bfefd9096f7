"""The examples of the documentation, typed as they stand into a shell beside a running service."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, blocks, covers, examples, run, service

WITH_EXAMPLES = [page for page in PAGES if blocks(page, "sh")]


@pytest.mark.skipif(not shutil.which("curl"), reason="the examples are typed with curl")
@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_what_a_reader_types_is_answered_as_the_page_shows(page: str, tmp_path: Path) -> None:
    told = examples(page)
    with service(tmp_path) as address:
        printed = run([example.typed for example in told], tmp_path, address)
    for example, answer in zip(told, printed, strict=True):
        if "curl" not in example.typed:
            assert example.shown is None, example.typed
        elif example.shown is not None:
            first = json.loads(answer.splitlines()[0])
            assert covers(first, example.shown), f"{example.typed}\nis answered\n{answer}"
        else:
            assert all(is_success(json.loads(line)) for line in answer.splitlines()), answer


def is_success(answer: dict[str, Any]) -> bool:
    """Whether an answer that the page does not show is none that a reader would stumble over."""
    return int(answer.get("status", 200)) < 400


def test_the_readme_shows_a_purchase_a_redemption_and_a_balance() -> None:
    typed = "".join(example.typed for example in examples("README.md"))
    for needed in ("keys create", "/v1/purchases", "/v1/redemptions", "/balance"):
        assert needed in typed


def test_an_answer_that_differs_from_what_is_shown_is_noticed() -> None:
    answer = {"points": 39, "lots": [{"lot_id": "lot_1", "amount": 39}], "tier": None}
    assert covers(answer, {"lots": [{"lot_id": "…"}]})
    assert covers(answer, {"tier": None})
    wrong: list[Any] = [
        {"points": 40},
        {"point": 39},
        {"lots": []},
        {"lots": [{"amount": "…"}]},
        {"points": True},
    ]
    assert not [shown for shown in wrong if covers(answer, shown)]
