"""Checkpoints are made from the heads of one program, follow one another, and are read by those who may."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from ledger.finance.checkpoints.document import Checkpoint, Leaf
from ledger.finance.checkpoints.making import last_checkpoint, make_checkpoint
from ledger.finance.checkpoints.merkle import root_of
from ledger.finance.checkpoints.signing import is_signed
from ledger.finance.verify import CHECKS, verify
from ledger.funds.commands import GrantFund
from ledger.rules.commands import Earning
from tests.finance.histories import BY
from tests.finance.signing import checkpoint, signer
from tests.till import Till, new_program
from tests.whole_service import WholeService, open_service, with_checkpoints


def kept(till: Till) -> tuple[Checkpoint, list[Leaf]]:
    """A checkpoint with its leaves."""
    leaves: list[Leaf] = []
    now = till.now
    made = till.database.run(
        lambda connection: make_checkpoint(connection, till.program, signer(), now, leaves.append)
    )
    return made, leaves


def test_leaves_are_the_heads_of_all_who_have_entries_in_the_order_of_their_holders(till: Till) -> None:
    till.award("m-2", 5)
    till.buy("m-1", 10_000)
    till.redeem("m-1", 10)
    till.post(GrantFund("care", 100, "g-1", "a plan", BY), Earning("m-3", 1, "gift", "a-3", fund="care"))
    till.database.run(
        lambda connection: connection.execute(
            text(
                "INSERT INTO holders (holder_id, program_id, member_id, enrolled_at)"
                " VALUES (gen_random_uuid(), :program, 'm-idle', '2026-01-01')"
            ),
            {"program": till.program.program_id},
        )
    )
    made, leaves = kept(till)
    rows = till.rows("SELECT holder_id, version, hash FROM entries ORDER BY holder_id, version DESC")
    heads: dict[Any, Leaf] = {}
    for holder, version, hashed in rows:
        heads.setdefault(holder, Leaf(holder.bytes, version, hashed))
    assert leaves == list(heads.values())
    said = made.statement
    assert (said.holders, said.entries) == (4, 6)
    assert said.root == root_of(leaf.encoded() for leaf in leaves)
    assert (said.program, said.made_at, said.number, said.previous) == ("shop", till.now, 1, None)
    assert is_signed(made)


def test_checkpoints_of_a_program_follow_one_another_and_no_other_programs(till: Till) -> None:
    elsewhere = Till(till.database, new_program(till.database, "other"))
    first = checkpoint(till)
    elsewhere.award("m-1", 10)
    assert checkpoint(elsewhere).statement.number == 1
    till.award("m-1", 10)
    second = checkpoint(till.at(till.now + timedelta(hours=1)))
    assert (second.statement.number, second.statement.previous) == (2, first.statement.digest())
    assert (first.statement.holders, second.statement.holders) == (0, 1)
    with till.reading() as connection:
        assert last_checkpoint(connection, till.program) == second
        assert all(finding.is_sound for finding in verify(connection))


def test_checkpoint_of_a_unit_that_fails_was_never_made(till: Till) -> None:
    class Changed(Exception):
        pass

    def close(connection: Any) -> None:
        make_checkpoint(connection, till.program, signer(), till.now)
        raise Changed

    with pytest.raises(Changed):
        till.database.run(close)
    assert checkpoint(till).statement.number == 1


def test_checkpoints_made_at_once_have_one_number_each(till: Till) -> None:
    till.award("m-1", 10)
    start = Barrier(4)

    def make() -> Checkpoint:
        start.wait()
        return checkpoint(till)

    with ThreadPoolExecutor(4) as pool:
        made = [each.result() for each in [pool.submit(make) for _ in range(4)]]
    assert sorted(each.statement.number for each in made) == [1, 2, 3, 4]
    with till.reading() as connection:
        (check,) = [check for check in CHECKS if check.name == "checkpoints"]
        assert all(finding.is_sound for finding in verify(connection, None, [check]))


def test_posting_goes_on_while_heads_are_read(till: Till) -> None:
    for number in range(3):
        till.award(f"m-{number}", 10)
    entered: list[Leaf] = []

    def keep(leaf: Leaf) -> None:
        if not entered:
            # Another connection posts to every holder, and waits for none.
            for number in range(4):
                till.award(f"m-{number}", 1)
        entered.append(leaf)

    now = till.now
    made = till.database.run(
        lambda connection: make_checkpoint(connection, till.program, signer(), now, keep)
    )
    # One statement sees one moment: nothing of what was posted meanwhile.
    assert (made.statement.holders, made.statement.entries) == (3, 3)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Any:
    with open_service(cluster, template) as opened:
        yield opened


def test_finance_reads_what_was_signed_newest_first_and_page_by_page(service: WholeService) -> None:
    tenant, other = service.tenant("reads"), service.tenant("other")
    newest = with_checkpoints(tenant)["checkpoint_id"]
    with_checkpoints(other)
    page = tenant.send("GET", "/v1/checkpoints?limit=1", role="finance").json
    assert [item["checkpoint_id"] for item in page["data"]] == [newest]
    assert Checkpoint.read(page["data"][0]).statement.program == "reads"
    rest = tenant.send("GET", f"/v1/checkpoints?cursor={page['next_cursor']}", role="finance").json
    assert [item["number"] for item in rest["data"]] == [1]
    assert rest["next_cursor"] is None
    one = tenant.send("GET", f"/v1/checkpoints/{newest}", role="finance")
    assert (one.status_code, one.json) == (200, page["data"][0])


def test_checkpoint_of_another_program_or_of_nobody_is_unknown(service: WholeService) -> None:
    tenant, other = service.tenant("mine"), service.tenant("theirs")
    theirs = with_checkpoints(other)["checkpoint_id"]
    for checkpoint_id in (theirs, "chk_1", f"chk_{'0' * 32}", theirs.replace("chk", "ent")):
        answer = tenant.send("GET", f"/v1/checkpoints/{checkpoint_id}", role="finance")
        assert (answer.status_code, answer.json["code"]) == (404, "checkpoint_unknown")
        assert answer.json["checkpoint_id"] == checkpoint_id


@pytest.mark.parametrize("role", ["pos", "checkout", "operator", "approver", "readonly"])
def test_others_may_not_read_checkpoints(service: WholeService, role: str) -> None:
    tenant = service.tenant(f"shut-{role}")
    for path in ("/v1/checkpoints", "/v1/checkpoints/chk_1"):
        assert tenant.send("GET", path, role=role).status_code == 403


def test_cursor_of_another_list_is_refused(service: WholeService) -> None:
    tenant = service.tenant("cursors")
    answer = tenant.send("GET", "/v1/checkpoints?cursor=QUJD", role="finance")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "cursor")
