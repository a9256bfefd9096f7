"""What one key proposes, another decides: once, on what was proposed, and the database says so as well."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from ledger import clock
from ledger.access.keys import key_id_of
from ledger.access.register import create_key, revoke_key
from ledger.db import Database
from tests.deeds import Office, open_office
from tests.queues import until, waits_for_a_lock
from tests.whole_service import WholeService

_numbers = count(1)


@pytest.fixture
def office(service: WholeService, application: Database) -> Office:
    return open_office(service.tenant(f"office {next(_numbers)}"), application)


def add_key(service: WholeService, office: Office, name: str, role: str, region: str | None = None) -> None:
    """Give the office one more key, under a name."""
    program = office.tenant.program
    made = service.owner.run(
        lambda connection: create_key(connection, program, role, now=clock.system_now(), region=region)
    )
    office.tenant.keys[name] = made.token


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data
    body: dict[str, Any] = answer.json
    return body


def test_a_proposal_is_shown_with_what_will_be_done_and_waits(office: Office) -> None:
    approval_id = office.propose("dig", depth=2)
    shown = office.show(approval_id)
    assert shown == {
        "approval_id": approval_id,
        "kind": "deed",
        "subject": "dig",
        "content": {"deed": "dig", "depth": 2},
        "content_hash": shown["content_hash"],
        "status": "pending",
        "proposed_by": office.principal("operator").key_id,
        "proposed_at": shown["proposed_at"],
        "decided_by": None,
        "decided_at": None,
        "reason": None,
    }
    assert office.done() == 0


def test_another_key_approves_and_it_is_done_at_once(office: Office) -> None:
    approval_id = office.propose()
    answer = office.decide(approval_id)
    assert answer.status_code == 200
    assert answer.json["result"] == {"done": "dig"}
    assert (answer.json["status"], answer.json["decided_by"]) == (
        "approved",
        office.principal("approver").key_id,
    )
    assert office.show(approval_id) == {
        name: value for name, value in answer.json.items() if name != "result"
    }
    assert office.done() == 1


def test_a_second_approval_is_a_conflict_and_does_nothing(office: Office) -> None:
    approval_id = office.propose()
    first = office.decide(approval_id)
    told = refused(office.decide(approval_id), 409, "approval_decided")
    assert (told["decision"], told["decided_at"]) == ("approved", first.json["decided_at"])
    refused(office.decide(approval_id, "reject", json={"reason": "late"}), 409, "approval_decided")
    assert office.done() == 1


def test_what_is_rejected_is_never_done(office: Office) -> None:
    approval_id = office.propose()
    answer = office.decide(approval_id, "reject", json={"reason": "too deep"})
    assert (answer.status_code, answer.json["status"], answer.json["reason"]) == (200, "rejected", "too deep")
    assert refused(office.decide(approval_id), 409, "approval_decided")["decision"] == "rejected"
    assert office.done() == 0


@pytest.mark.parametrize(("how", "body"), [("approve", {}), ("reject", {"reason": "mine"})])
def test_nobody_decides_on_a_proposal_of_his_own(office: Office, how: str, body: dict[str, str]) -> None:
    approval_id = office.propose(role="admin")
    refused(office.decide(approval_id, how, role="admin", json=body), 403, "self_approval")
    assert (office.show(approval_id)["status"], office.done()) == ("pending", 0)


def test_a_second_key_of_the_same_role_is_another_key(service: WholeService, office: Office) -> None:
    add_key(service, office, "second admin", "admin")
    assert office.decide(office.propose(role="admin"), role="second admin").status_code == 200


@pytest.mark.parametrize("role", ["operator", "pos", "checkout", "finance", "readonly"])
@pytest.mark.parametrize(("how", "body"), [("approve", {}), ("reject", {"reason": "no"})])
def test_only_an_approver_decides(office: Office, role: str, how: str, body: dict[str, str]) -> None:
    approval_id = office.propose(role="admin")
    told = refused(office.decide(approval_id, how, role=role, json=body), 403, "forbidden")
    assert told["required_scope"] == "approve"
    assert (office.show(approval_id)["status"], office.done()) == ("pending", 0)


def test_a_revoked_key_approves_nothing(service: WholeService, office: Office) -> None:
    approval_id = office.propose()
    key_id = key_id_of(office.tenant.keys["approver"])
    assert key_id is not None
    service.owner.run(lambda connection: revoke_key(connection, key_id, clock.system_now()))
    refused(office.decide(approval_id), 401, "unauthenticated")
    assert (office.show(approval_id)["status"], office.done()) == ("pending", 0)


def revoke(service: WholeService, office: Office, role: str) -> None:
    key_id = key_id_of(office.tenant.keys[role])
    assert key_id is not None
    service.owner.run(lambda connection: revoke_key(connection, key_id, clock.system_now()))


def test_what_a_revoked_key_has_proposed_can_only_be_rejected(service: WholeService, office: Office) -> None:
    approval_id = office.propose()
    revoke(service, office, "operator")
    told = refused(office.decide(approval_id), 409, "proposer_revoked")
    assert told["proposed_by"] == key_id_of(office.tenant.keys["operator"])
    assert (office.show(approval_id)["status"], office.done()) == ("pending", 0)
    answer = office.decide(approval_id, "reject", json={"reason": "its key was stolen"})
    assert (answer.status_code, office.done()) == (200, 0)


@pytest.mark.parametrize("role", ["operator", "approver"])
def test_an_approval_and_a_revocation_at_once_come_one_after_the_other(
    service: WholeService, office: Office, role: str
) -> None:
    approval_id = office.propose()
    with ThreadPoolExecutor(2) as pool, service.owner.engine.connect() as holding:
        # The revocation holds the program's row; who decides meanwhile sees how it ends.
        revoke_key(holding, key_id_of(office.tenant.keys[role]) or "", clock.system_now())
        deciding = pool.submit(office.decide, approval_id)
        until(lambda: waits_for_a_lock(service.owner))
        holding.commit()
        answer = deciding.result(60)
    expected = {"operator": (409, "proposer_revoked"), "approver": (401, "unauthenticated")}
    assert (answer.status_code, answer.json["code"]) == expected[role]
    assert office.done() == 0


@pytest.mark.parametrize(
    ("role", "status"), [("operator", "approved"), ("approver", "approved"), ("approver", "rejected")]
)
def test_the_database_itself_refuses_a_decision_by_or_for_a_revoked_key(
    service: WholeService, office: Office, role: str, status: str
) -> None:
    approval_id = office.propose()
    decider = key_id_of(office.tenant.keys["approver"])
    revoke(service, office, role)
    decide = text(
        "UPDATE approvals SET status = :status, decided_by = :decider, decided_at = :now WHERE approval_id = :id"
    )
    values = {"status": status, "decider": decider, "now": clock.system_now()}
    with (
        pytest.raises(ProgrammingError, match="a revoked key neither approves"),
        service.owner.engine.begin() as owner,
    ):
        owner.execute(decide, {**values, "id": bytes.fromhex(approval_id.removeprefix("apr_")).hex()})


def test_the_hash_that_was_looked_at_is_what_is_approved(office: Office) -> None:
    approval_id = office.propose()
    seen = office.show(approval_id)["content_hash"]
    other = office.show(office.propose("fill"))["content_hash"]
    told = refused(office.decide(approval_id, json={"content_hash": other}), 409, "approval_content_changed")
    assert told["content_hash"] == seen
    assert office.done() == 0
    assert office.decide(approval_id, json={"content_hash": seen}).status_code == 200


def test_a_content_that_was_changed_behind_the_ledger_is_not_done(
    service: WholeService, office: Office
) -> None:
    # The trigger forbids it to everybody; whoever may switch triggers off is caught by the hash.
    approval_id = office.propose()
    tamper = """
        ALTER TABLE approvals DISABLE TRIGGER USER;
        UPDATE approvals SET content = '{"deed": "dynamite"}' WHERE status = 'pending';
        ALTER TABLE approvals ENABLE ALWAYS TRIGGER approvals_decide_once;
    """
    service.owner.run(lambda connection: connection.exec_driver_sql(tamper))
    refused(office.decide(approval_id), 409, "approval_content_changed")
    assert office.done() == 0


def test_what_cannot_be_carried_out_is_not_decided_either(office: Office) -> None:
    approval_id = office.propose("never")
    refused(office.decide(approval_id), 422, "currency_mismatch")
    assert (office.show(approval_id)["status"], office.done()) == ("pending", 0)


@pytest.mark.parametrize("approval_id", ["apr_" + "0" * 32, "ent_" + "0" * 32, "nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_proposal_is_told_by_its_id(office: Office, approval_id: str, method: str) -> None:
    path = f"/v1/approvals/{approval_id}" + ("/approve" if method == "POST" else "")
    answer = office.tenant.send(method, path, role="approver")
    assert refused(answer, 404, "approval_unknown")["approval_id"] == approval_id


def test_a_key_of_a_region_decides_on_what_is_its_regions(service: WholeService, office: Office) -> None:
    for region in ("east", "west"):
        add_key(service, office, region, "approver", region)
    easts, headquarters = office.propose(region="east"), office.propose()
    for approval_id, key in ((easts, "west"), (headquarters, "west"), (headquarters, "east")):
        told = refused(office.decide(approval_id, role=key), 403, "other_region")
        assert told["region"] == key
        rejected = office.decide(approval_id, "reject", role=key, json={"reason": "no"})
        refused(rejected, 403, "other_region")
    assert office.done() == 0
    assert office.decide(easts, role="east").status_code == 200
    assert office.decide(headquarters).status_code == 200


def test_headquarters_decides_for_every_region(office: Office) -> None:
    assert office.decide(office.propose(region="east")).status_code == 200


def test_the_list_shows_the_newest_first_and_goes_on_where_it_stopped(office: Office) -> None:
    made = [office.propose(f"deed-{number}") for number in range(5)]
    office.decide(made[1])
    office.decide(made[3], "reject", json={"reason": "no"})
    found: list[str] = []
    query = "limit=2"
    while query:
        page = office.tenant.send("GET", f"/v1/approvals?{query}").json
        found += [each["approval_id"] for each in page["data"]]
        query = f"limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert found == made[::-1]
    for status, numbers in (("pending", (4, 2, 0)), ("approved", (1,)), ("rejected", (3,))):
        page = office.tenant.send("GET", f"/v1/approvals?status={status}").json
        assert [each["approval_id"] for each in page["data"]] == [made[number] for number in numbers]
        assert page["next_cursor"] is None


# --- the database by itself ----------------------------------------------------------------------


@pytest.fixture
def raw(service: WholeService, cluster: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, without the application."""
    url = cluster.app_url(service.database)
    with psycopg.connect(url, options="-c role=ledger_app") as connection:
        yield connection
        connection.rollback()


DECIDE = "UPDATE approvals SET status = %s, decided_by = %s, decided_at = now() WHERE program_id = %s"


def test_the_database_lets_nobody_decide_on_his_own(raw: Any, office: Office) -> None:
    office.propose()
    own = office.principal("operator").key_id
    with pytest.raises(pg.CheckViolation, match="approvals_decided_by_check"):
        raw.execute(DECIDE, ("approved", own, office.tenant.program.program_id))


def test_the_database_knows_no_decision_without_decider(raw: Any, office: Office) -> None:
    office.propose()
    with pytest.raises(pg.CheckViolation, match="approvals_decision_check"):
        raw.execute(DECIDE, ("approved", None, office.tenant.program.program_id))


@pytest.mark.parametrize("status", ["approved", "rejected", "pending"])
def test_the_database_lets_nobody_decide_again(raw: Any, office: Office, status: str) -> None:
    office.decide(office.propose())
    with pytest.raises(pg.InsufficientPrivilege, match="decided once"):
        raw.execute(DECIDE, (status, "somebody", office.tenant.program.program_id))


@pytest.mark.parametrize(
    "change", ["content = '{}'", "content_hash = ''", "proposed_by = 'x'", "kind = 'x'", "subject = 'x'"]
)
def test_the_application_may_not_change_what_is_proposed(raw: Any, office: Office, change: str) -> None:
    office.propose()
    with pytest.raises(pg.InsufficientPrivilege, match=r"permission denied|as it was proposed"):
        raw.execute(f"UPDATE approvals SET {change}")


def test_not_even_the_owner_changes_what_is_proposed(service: WholeService, office: Office) -> None:
    office.propose()
    change = text(
        "UPDATE approvals SET content = '{}', status = 'approved', decided_by = 'x', decided_at = now()"
    )
    with pytest.raises(Exception, match="as it was proposed"):
        service.owner.run(lambda connection: connection.execute(change))


@pytest.mark.parametrize("statement", ["DELETE FROM approvals", "TRUNCATE approvals"])
def test_the_application_removes_no_proposal(raw: Any, office: Office, statement: str) -> None:
    office.propose()
    with pytest.raises(pg.InsufficientPrivilege, match="permission denied"):
        raw.execute(statement)
