"""Each bug of thought is seen by the test that is there for it, and by the machine that knows nothing of it."""

import pytest
from hypothesis import Phase

from ledger.errors import LedgerError
from tests.properties.machine import run
from tests.properties.test_machine_in_memory import make_driver
from tests.seeded_bugs.logic_bugs import BUGS, Bug

SEEN = (AssertionError, LedgerError, KeyError)


def by_name(bug: Bug) -> str:
    return bug.name


@pytest.mark.parametrize("bug", BUGS, ids=by_name)
def test_bug_is_seen_by_its_check(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.check()
    bug.plant(monkeypatch)
    with pytest.raises(SEEN):
        bug.check()


# The machine takes long to come upon some: with every change it looks for one in four.
LOOKED_FOR = [
    pytest.param(bug, marks=() if number % 4 == 0 else pytest.mark.long) for number, bug in enumerate(BUGS)
]


@pytest.mark.parametrize("bug", LOOKED_FOR, ids=by_name)
def test_bug_is_seen_by_the_machine(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.plant(monkeypatch)
    with pytest.raises(SEEN):
        run(make_driver, examples=4_000, steps=40, phases=(Phase.generate,), report_multiple_bugs=False)
