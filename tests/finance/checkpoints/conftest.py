"""A program with a long history, a checkpoint in the middle of its life, and its journal a little later."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.funds.commands import GrantFund
from ledger.redemption.holds import PlaceHold
from ledger.rules.commands import Earning
from tests.conftest import Cluster, TestDatabase
from tests.finance.histories import BY, live_through
from tests.finance.signing import checkpoint_file, journal_file, signer
from tests.till import Till, new_program, open_till


@dataclass(frozen=True)
class Evidence:
    """The books, and what was taken out of them: both files, and the key that the reader knows."""

    database: TestDatabase
    checkpoint: bytes
    journal: bytes
    path: Path
    """Where the checkpoint lies."""
    public_key: bytes = signer().public_key


@pytest.fixture(scope="module")
def evidence(cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Every kind of entry before the checkpoint, and some entries after it; the tests roll back what they do to it."""
    name = "ledger_test_evidence"
    cluster.drop_database(name)
    cluster.create_database(name, template=template)
    with open_till(cluster.app_url(name), points_expiry={"kind": "rolling", "months": 1}) as till:
        live_through(till, seed=3, steps=240)
        till.post(Earning("m-2", 5, "gift", "a-held"), PlaceHold("m-2", 5, None, "h-last", 90_000))
        elsewhere = Till(till.database, new_program(till.database, "other"))
        elsewhere.award("m-1", 10)
        checkpoint = checkpoint_file(till)
        till.at(till.now + timedelta(hours=1))
        till.award("m-1", 10)
        till.post(
            GrantFund("new", 100, "g-new", "a plan", BY), Earning("m-new", 1, "gift", "a-new", fund="new")
        )
        journal = journal_file(till)
    path = tmp_path_factory.mktemp("evidence") / "checkpoint.ndjson"
    path.write_bytes(checkpoint)
    database = TestDatabase(name, cluster.owner_url(name), cluster.app_url(name))
    yield Evidence(database, checkpoint, journal, path)
    cluster.drop_database(name)
