"""``ledger erasures``: a backup that is restored is erased again by a file that has nothing of what was erased."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.cli import main
from tests.conftest import Cluster
from tests.privacy.lives import NAME, Life

Command = Callable[..., Result]


@pytest.fixture
def command(life: Life, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("LEDGER_DATABASE_URL", cluster.app_url(life.service.database))
    monkeypatch.setenv("LEDGER_OWNER_DATABASE_URL", cluster.owner_url(life.service.database))
    return lambda *arguments: CliRunner().invoke(main, ["erasures", *arguments])


def test_whoever_was_erased_elsewhere_is_erased_here(life: Life, command: Command, tmp_path: Path) -> None:
    assert command("export").stdout == ""
    life.erase("m-3", json={"reason": "retention"})
    (line,) = command("export").stdout.splitlines()
    listed = json.loads(line)
    assert NAME not in line
    # As the books were before m-1 was erased, and after the file was written; m-9 has come later than that.
    others = [
        {**listed, "member_id": member, "erased_at": "2026-10-31T00:00:00Z"} for member in ("m-1", "m-9")
    ]
    file = tmp_path / "erasures.ndjson"
    file.write_text("\n".join(map(json.dumps, [listed, *others])))
    for _ in range(2):
        done = command("apply", str(file))
        assert done.exit_code == 0, done.output
        assert done.stdout == "2 members are erased, 1 are not known here.\n"
    assert life.naming() == set()
    told = [json.loads(line) for line in command("export").stdout.splitlines()]
    assert told == [{**others[0], "erased_at": "2026-10-31T00:00:00.000000Z"}, listed]


@pytest.mark.parametrize(
    "change",
    [
        {"member_id": "no id"},
        {"erased_at": "yesterday"},
        {"reason": "because"},
        {"program": None},
        {"more": 1},
    ],
)
def test_a_line_that_is_no_erasure_erases_nobody(
    command: Command, life: Life, tmp_path: Path, change: object
) -> None:
    sound = {
        "program": life.tenant.program.name,
        "member_id": "m-1",
        "erased_at": "2026-10-31T00:00:00Z",
        "erased_by": "k",
        "reason": "request",
    }
    assert isinstance(change, dict)
    file = tmp_path / "erasures.ndjson"
    file.write_text(json.dumps(sound) + "\n" + json.dumps(sound | change))
    done = command("apply", str(file))
    assert (done.exit_code, "Line 2" in done.output) == (1, True)
    assert life.naming() != set()
