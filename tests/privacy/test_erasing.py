"""An erasure leaves nothing of what was known or said of a member, anywhere, and the books as they were."""

import json
from io import BytesIO
from typing import Any

from ledger import clock
from ledger.access.register import create_key, revoke_key
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.finance.verify import verify
from tests.finance.signing import signer
from tests.privacy.conftest import NOW
from tests.privacy.lives import BEFORE, NAME, SAID, Life
from tests.whole_service import WholeService
from tools import verify_journal

SAYING = {"member_attributes", "holders", "entry_texts", "approvals", "alerts", "member_lock_events"}
"""Where the words lie before they are erased: nowhere else, and nowhere in the books."""


def sound(life: Life) -> list[str]:
    with life.service.owner.read() as connection:
        return [finding.told() for finding in verify(connection) if not finding.is_sound]


def without_words(told: Any) -> Any:
    """An answer without what erasing takes out of it."""
    if isinstance(told, dict):
        gone = (
            "reason",
            "note",
            "attributes",
            "content_hash",
            "rejected_because",
            "region",
            "store",
            "text",
            "request_id",
        )
        return {name: without_words(value) for name, value in told.items() if name not in gone}
    return [without_words(each) for each in told] if isinstance(told, list) else told


def test_the_name_lies_in_no_table_of_the_books_and_after_erasing_in_none_at_all(life: Life) -> None:
    assert life.naming() == SAYING
    answer = life.erase()
    assert answer.status_code == 200, answer.data
    # Three awards, two reversals of which one is told twice, an activity, and two adjustments.
    assert answer.json["removed"] == {"attributes": 2, "texts": 9, "proposals": 4, "notes": 3}
    assert answer.json["kept_in_entries"] == 0
    assert life.naming() == set()


def test_no_answer_names_the_member_any_more(life: Life) -> None:
    before = life.reads()
    assert {path.split("/")[2] for path, told in before.items() if NAME in str(told)} == {
        "adjustments",
        "alerts",
        "approvals",
        "members",
        "reports",
    }
    life.erase()
    after = life.reads()
    assert [path for path, told in after.items() if NAME in str(told)] == []
    # All else is said as before: every figure of every report, byte for byte.
    for path, told in after.items():
        assert without_words(told) == without_words(before[path]), path
        if path.startswith(("/v1/reports", "/v1/periods", "/v1/metrics")) and "manual" not in path:
            assert told == before[path], path


def test_the_books_stay_byte_for_byte_and_the_chain_verifies(life: Life) -> None:
    leaves: list[str] = []
    made = life.service.owner.run(
        lambda connection: make_checkpoint(
            connection, life.tenant.program, signer(), NOW, lambda leaf: leaves.append(leaf.line())
        )
    )
    rows, journal = life.dump(), life.journal()
    life.erase()
    after = life.dump()
    assert {table for table in rows if rows[table] != after[table]} == SAYING | {"erasures"}
    assert life.journal() == journal
    checkpoint = "".join((made.line(), *leaves)).encode()
    report, _ = verify_journal.verify(
        BytesIO(checkpoint), BytesIO("".join(life.journal()).encode()), signer().public_key
    )
    assert report.firsts == {}
    assert sound(life) == []


def test_a_retry_is_answered_as_before_and_has_no_further_effect(life: Life) -> None:
    first = {key: life.again(key) for key in life.sent if key not in {"seen", "reject"}}
    rows = life.dump()
    life.erase()
    erased = life.dump()
    for key, answer in first.items():
        again = life.again(key)
        assert again.status_code == answer.status_code, (key, again.data)
        # What the words of an approved adjustment were is not in the request, so nobody knows them any more.
        if key in ("approve", "approve-too"):
            assert NAME not in again.text
        else:
            assert again.json == answer.json, key
    assert life.dump() == erased
    assert rows["outcomes"] == erased["outcomes"]


def test_erasing_again_keeps_the_first_and_takes_what_was_said_since(life: Life) -> None:
    first = life.erase(json={"reason": "retention"}).json
    nothing = {"attributes": 0, "texts": 0, "proposals": 0, "notes": 0}
    assert life.erase().json == {**first, "removed": nothing}
    life.award("m-1", "a-later", SAID)
    assert life.naming() == {"entry_texts"}
    assert life.erase().json == {**first, "removed": {**nothing, "texts": 1}}
    assert life.naming() == set()
    assert sound(life) == []


def test_nothing_becomes_known_again(life: Life) -> None:
    erased = life.erase().json
    for facts in ({}, {"attributes": {"nickname": NAME}}, {"region": "east"}, {"store": "s"}):
        refused = life.tenant.send("PUT", "/v1/members/m-1", json=facts)
        assert (refused.status_code, refused.json["code"]) == (410, "member_erased")
        assert refused.json["erased_at"] == erased["erased_at"]
    shown = life.tenant.send("GET", "/v1/members/m-1").json
    assert (shown["attributes"], shown["region"], shown["store"]) == ({}, None, None)


def test_an_old_order_still_comes_back_and_points_are_still_spent(life: Life) -> None:
    life.erase()
    line = {"line_id": "1", "quantity": 1, "amount": 5_000}
    back = {"return_id": "r-1", "occurred_at": BEFORE, "lines": [line]}
    assert life.send("return", "/v1/purchases/p-1/returns", back)["growth_clawed_back"] == 50
    life.award("m-1", "a-more", "the points of a campaign")
    assert sound(life) == []


def test_a_neighbour_keeps_his_own(life: Life) -> None:
    life.erase()
    assert life.tenant.send("GET", "/v1/members/m-2").json["attributes"] == {"vip": True}
    told = life.tenant.send("GET", "/v1/members/m-2/entries").json["data"]
    # What was said of a transfer between the two was said of both; the award is his alone.
    assert [entry["details"].get("reason") for entry in told if entry["kind"] in ("award", "reversal")] == [
        None,
        "a gift for a neighbour",
    ]


def test_what_still_waits_is_approved_without_its_words(life: Life) -> None:
    seen = life.tenant.send("GET", f"/v1/adjustments/{life.waiting}").json["content_hash"]
    life.erase()
    path = f"/v1/adjustments/{life.waiting}/approve"
    refused = life.tenant.send("POST", path, json={"content_hash": seen}, role="approver")
    assert refused.json["code"] == "approval_content_changed"
    approved = life.tenant.send("POST", path, json={}, role="approver")
    assert (approved.status_code, approved.json["reason"]) == (201, "erased")
    assert sound(life) == []


def test_who_is_unknown_cannot_be_erased_and_the_reason_is_no_free_text(life: Life) -> None:
    assert life.erase("m-99").json["code"] == "member_unknown"
    assert life.erase(json={"reason": f"because {NAME} has asked"}).json["code"] == "invalid_request"
    assert life.naming() == SAYING


def test_a_region_erases_nobody(service: WholeService, life: Life) -> None:
    made = service.owner.run(
        lambda connection: create_key(
            connection, life.tenant.program, "operator", now=clock.system_now(), region="east"
        )
    )
    refused = life.erase(headers={"Authorization": f"Bearer {made.token}"})
    assert (refused.status_code, refused.json["code"]) == (403, "other_region")
    assert life.naming() == SAYING


def test_members_who_share_an_id_in_another_program_are_others(service: WholeService, life: Life) -> None:
    other = service.tenant("other")
    assert other.send("PUT", "/v1/members/m-1", json={"attributes": {"vip": True}}).status_code == 201
    life.erase()
    assert other.send("GET", "/v1/members/m-1").json["attributes"] == {"vip": True}
    assert other.send("PUT", "/v1/members/m-1", json={"attributes": {"vip": False}}).status_code == 200


def test_words_of_before_are_counted_because_they_lie_inside_the_hash(life: Life) -> None:
    with life.service.owner.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE entries DISABLE TRIGGER USER")
        changed = connection.exec_driver_sql(
            "UPDATE entries SET details = %s WHERE kind = 'award' AND reference = 'a-2' RETURNING entry_id",
            (json.dumps({"reason": SAID}),),
        ).all()
        connection.exec_driver_sql("ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_refuse_change")
        connection.exec_driver_sql("ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_refuse_truncate")
    assert life.erase().json["kept_in_entries"] == len(changed) == 1


def test_what_a_revoked_key_has_decided_is_erased_like_all_else(life: Life) -> None:
    for role in ("operator", "approver"):
        key_id = life.tenant.keys[role].split("_")[1]
        assert life.service.owner.run(lambda connection, key=key_id: revoke_key(connection, key, NOW))  # type: ignore[misc]
    assert life.erase().status_code == 200
    assert life.naming() == set()


def test_a_month_that_was_closed_before_is_as_it_was_locked(life: Life) -> None:
    set_clock = life.tenant.send("PUT", "/v1/test-clock", json={"now": "2026-12-02T12:00:00+08:00"})
    assert set_clock.status_code == 200, set_clock.data
    for step in ("soft-close", "lock"):
        closed = life.tenant.send("POST", f"/v1/periods/2026-11/{step}", role="finance")
        assert closed.status_code == 200, closed.data
    assert "period_events" not in life.naming()
    before = life.tenant.send("GET", "/v1/periods/2026-11/pack")
    assert len(before.json["manual_entries"]["data"]) > 4
    life.erase()
    assert life.tenant.send("GET", "/v1/periods/2026-11/pack").data == before.data
    assert life.naming() == set()
    assert sound(life) == []
