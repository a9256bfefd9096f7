"""What may be changed beside the books is what an erasure changes, whoever asks the database; and never half of it."""

from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.privacy.lives import NAME, SAID, Life


@pytest.fixture(params=["ledger_app", "the owner"])
def raw(request: pytest.FixtureRequest, life: Life, cluster: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, and the owner of the tables."""
    name = life.service.database
    is_app = request.param == "ledger_app"
    url, options = (cluster.app_url(name), "-c role=ledger_app") if is_app else (cluster.owner_url(name), "")
    with psycopg.connect(url, options=options) as connection:
        yield connection
        connection.rollback()


def test_nothing_but_erasing_gets_through(raw: Any, life: Life) -> None:
    assert life.erase("m-3").status_code == 200
    content = "SET content = replace(content::text, {!r}, {!r})::json"
    refused = [
        "UPDATE entry_texts SET texts = '{}'",
        "UPDATE entry_texts SET salt = decode(repeat('ab', 16), 'hex')",
        "UPDATE entry_texts SET texts = NULL",
        "UPDATE entry_texts SET salt = NULL, texts = NULL, entry_id = gen_random_uuid()",
        "DELETE FROM entry_texts",
        "TRUNCATE entry_texts",
        "UPDATE erasures SET erased_by = 'x'",
        "UPDATE member_lock_events SET reason = 'x'",
        "UPDATE member_lock_events SET reason = 'erased', changed_by = 'x'",
        f"UPDATE approvals {content.format(SAID, 'gift')} WHERE kind = 'adjustment'",
        f"UPDATE approvals {content.format(SAID, 'erased')} WHERE kind = 'adjustment'",
        "UPDATE approvals SET content = jsonb_set(content::jsonb, '{points}', '9')::json WHERE kind = 'adjustment'",
    ]
    for statement in refused:
        with pytest.raises(errors.InsufficientPrivilege), raw.transaction():
            raw.execute(statement)


def together(*calls: Any) -> None:
    """Call all of them at the same time, and fail where one of them does."""
    barrier, failed = Barrier(len(calls)), []

    def run(call: Any) -> None:
        barrier.wait(30)
        try:
            call()
        except Exception as error:  # noqa: BLE001  told by the test
            failed.append(error)

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_what_becomes_known_at_the_same_moment_is_erased_or_refused(life: Life) -> None:
    for number in range(6):
        member = f"n-{number}"
        assert life.tenant.send("PUT", f"/v1/members/{member}", json={}).status_code == 201

        def put(member: str = member) -> None:
            answer = life.tenant.send("PUT", f"/v1/members/{member}", json={"attributes": {"name": NAME}})
            assert answer.status_code in (200, 410), answer.data

        def erase(member: str = member) -> None:
            assert life.erase(member).status_code == 200

        together(put, erase, put, erase)
        assert life.tenant.send("GET", f"/v1/members/{member}").json["attributes"] == {}


def test_a_decision_at_the_same_moment_is_made_and_its_words_are_gone(life: Life) -> None:
    for number in range(4):
        life.award(f"n-{number}", f"b-{number}", SAID)
        wanted = {"member_id": f"n-{number}", "points": 3, "reason": SAID}
        made = life.send(f"wish-{number}", "/v1/adjustments", wanted, "operator")["adjustment_id"]

        def approve(made: str = made) -> None:
            path = f"/v1/adjustments/{made}/approve"
            answer = life.tenant.send("POST", path, json={}, role="approver")
            assert answer.status_code == 201, answer.data

        def erase(number: int = number) -> None:
            assert life.erase(f"n-{number}").status_code == 200

        together(approve, erase)
        # What was approved a moment later than it was erased, was approved without its words.
        shown = life.tenant.send("GET", f"/v1/adjustments/{made}").json
        assert (shown["status"], shown["reason"]) == ("approved", "erased")
        entries = life.tenant.send("GET", f"/v1/members/n-{number}/entries").json["data"]
        assert NAME not in str(entries)
