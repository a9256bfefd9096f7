"""The register in the database: versions without gaps whoever comes together, and rows that nobody changes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text

from tests.fx.desk import MONDAY, Desk
from tests.whole_service import WholeService


def stamp(service: WholeService, desk: Desk) -> UUID:
    query = text("SELECT stamp FROM programs WHERE program_id = :program")
    with service.owner.read() as connection:
        found: UUID = connection.execute(query, {"program": desk.tenant.program.program_id}).scalar_one()
        return found


def test_a_proposal_decides_nothing_and_a_version_gives_a_new_stamp(
    service: WholeService, desk: Desk
) -> None:
    before = stamp(service, desk)
    proposal = desk.proposed("0.011")
    assert stamp(service, desk) == before
    desk.decided(proposal)
    assert stamp(service, desk) != before


def test_every_turn_of_a_switch_gives_a_new_stamp_and_no_turn_none(service: WholeService, desk: Desk) -> None:
    seen = [stamp(service, desk)]
    for on in (False, True, True):
        desk.switch("changes", on=on)
        seen.append(stamp(service, desk))
    assert len(set(seen)) == 3 and seen[2] == seen[3]


def test_what_was_refused_at_its_approval_leaves_no_trace(service: WholeService, desk: Desk) -> None:
    far = desk.proposed("0.012")
    desk.later(hours=1).put_in_force("0.009")
    desk.later(hours=1)
    before = service.rows()
    assert desk.approve(far).status_code == 422
    assert service.rows() == before


def test_proposals_that_are_approved_together_get_versions_without_gaps(desk: Desk) -> None:
    waiting = [
        desk.proposed("0.01", ask=f"0.01{number}", valid_from=(MONDAY + timedelta(days=number)).isoformat())
        for number in range(1, 7)
    ]
    with ThreadPoolExecutor(max_workers=2) as together:
        made = list(together.map(lambda proposal: desk.decided(proposal)["version"], waiting))
    assert sorted(made) == [2, 3, 4, 5, 6, 7]
    assert desk.versions() == [7, 6, 5, 4, 3, 2, 1]


def test_one_proposal_that_is_approved_twice_at_once_makes_one_version(desk: Desk) -> None:
    proposal = desk.proposed("0.011")
    desk.add_key("second approver", "approver")
    with ThreadPoolExecutor(max_workers=2) as together:
        answers = list(
            together.map(
                lambda role: desk.approve(proposal, role).status_code, ("approver", "second approver")
            )
        )
    assert sorted(answers) == [200, 409]
    assert desk.versions() == [2, 1]


# --- the database by itself ----------------------------------------------------------------------


@pytest.fixture
def raw(service: WholeService, cluster: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, without the application."""
    url = cluster.app_url(service.database)
    with psycopg.connect(url, options="-c role=ledger_app") as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("statement", ["UPDATE rates SET bid = 1", "DELETE FROM rates", "TRUNCATE rates"])
def test_the_application_changes_no_version(raw: Any, desk: Desk, statement: str) -> None:
    with pytest.raises(pg.InsufficientPrivilege, match="permission denied"):
        raw.execute(statement)


INSERT = """
INSERT INTO rates (program_id, version, bid, ask, floor, ceiling, max_step, valid_from, recorded_at, reason,
                   proposed_by, approved_by)
SELECT program_id, 2, bid, ask, floor, ceiling, max_step, now(), now(), 'x', 'a', 'b'
  FROM rates WHERE program_id = %s AND version = 1
"""


@pytest.mark.parametrize(
    ("member", "instead", "constraint"),
    [
        (" bid, ask,", " bid, bid / 2,", "rates_ask_check"),
        (" bid, ask,", " 9, 9,", "rates_bid_check"),
        (" floor, ceiling,", " 0, ceiling,", "rates_floor_check"),
        (" max_step, now()", " 1.1, now()", "rates_max_step_check"),
        ("now(), now()", "now() - interval '1 hour', now()", "rates_valid_from_check"),
        ("'a', 'b'", "'a', 'a'", "rates_approved_by_check"),
        ("'a', 'b'", "'a', NULL", "rates_approved_by_check"),
        (", 2,", ", 1,", "rates_pkey"),
    ],
)
def test_the_database_keeps_no_version_that_cannot_be(
    raw: Any, desk: Desk, member: str, instead: str, constraint: str
) -> None:
    before, _, selected = INSERT.partition("SELECT")
    broken = f"{before}SELECT{selected.replace(member, instead, 1)}"
    with pytest.raises(pg.IntegrityError, match=constraint):
        raw.execute(broken, (desk.tenant.program.program_id,))


def test_the_same_row_unbroken_would_be_kept(raw: Any, desk: Desk) -> None:
    assert raw.execute(INSERT, (desk.tenant.program.program_id,)).rowcount == 1
