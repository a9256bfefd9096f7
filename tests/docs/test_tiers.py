"""The page about tiers says what the terms take: every setting, and what it is when it is left out."""

import json
import re

from ledger.accounts.ladders import ladder_of
from ledger.rules.schemas import TermsSchema
from ledger.rules.tier_schemas import LevelSchema, TiersSchema
from tests.builders import terms
from tests.docs.pages import blocks, text_of

PAGE = "docs/tiers.md"
(SETTINGS,) = blocks(PAGE, "")


def test_the_ladder_that_is_shown_can_be_set() -> None:
    accepted = TermsSchema().load(terms(tiers=json.loads(SETTINGS)))
    ladder = ladder_of(json.dumps(accepted))
    assert ladder is not None
    assert [level.code for level in ladder.levels] == ["member", "silver", "gold"]


def test_every_setting_is_told_and_no_other() -> None:
    told = re.findall(r"(?m)^\| `(\w+)` \|", text_of(PAGE))
    taken = {*TiersSchema().fields, *LevelSchema().fields} - {"code", "threshold", "name"}
    assert sorted(told) == sorted(taken)


def test_what_is_said_to_be_left_out_is_what_it_is_then() -> None:
    stored = json.loads(SETTINGS)
    plain = {"levels": stored["levels"], "period": stored["period"]}
    said = plain | {
        "landing": "soft",
        "grace_days": 0,
        "floor": "member",
        "protection_days": 0,
        "crossing_rate": "before",
        "return_policy": "immediate",
    }
    assert ladder_of(json.dumps({"tiers": plain})) == ladder_of(json.dumps({"tiers": said}))
