"""Each bug of points that are worth money is seen: by the shop, or by the property that is there for it."""

import pytest

from ledger.errors import LedgerError
from tests.seeded_bugs.logic_bugs import Bug
from tests.seeded_bugs.value_bugs import BUGS, go_shopping

SEEN = (AssertionError, LedgerError, KeyError)


def test_nothing_is_seen_where_there_is_no_bug() -> None:
    go_shopping()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_bug_is_seen(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.plant(monkeypatch)
    with pytest.raises(SEEN):
        bug.check()
