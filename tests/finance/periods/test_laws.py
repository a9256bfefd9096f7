"""Laws of the closes, over random histories with late events and any sequence of closes and reopenings.

A locked pack is the same whenever it is worked out; each month opens as the one before it closed; the months add up to
the whole.
"""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count, pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.programs import find_program
from ledger.finance.months import month_at, next_month, previous_month, show_month
from ledger.finance.periods.events import read_events
from ledger.finance.periods.pack import ADDED, encoded, frozen
from ledger.finance.periods.states import LOCKED, SOFT_CLOSED, PeriodEvent, first_open, status_of
from ledger.finance.roll_forward import Movements
from ledger.finance.verify import CHECKS, verify
from ledger.journal.commands import Command
from ledger.rules.commands import Line, Purchase
from tests.finance.closing import bytes_of_pack, locked, pack_of, reopened, soft_closed
from tests.finance.histories import MEMBERS, History
from tests.finance.reporting import report_of, total_up
from tests.profiles import examples
from tests.till import Till, new_program

# Seven weeks before the first day of the books: what comes late may have happened then.
FIRST = date(2025, 11, 1)
NUMBERS = count(1)
OURS = [check for check in CHECKS if check.name in ("closed months", "daily totals", "roll-forward")]

LIVE, STILL, SOFT, LOCK, REOPEN, TOTAL = "live", "still", "soft", "lock", "reopen", "total"
STEPS = st.lists(
    st.sampled_from((LIVE, LIVE, LIVE, LIVE, STILL, SOFT, SOFT, LOCK, LOCK, REOPEN, TOTAL)),
    min_size=25,
    max_size=60,
)


class Late(History):
    """A history in which purchases come up to seven weeks late, and some come while the clock stands still."""

    def _command(self) -> Command:
        if self.random.random() > 0.3:
            return super()._command()
        happened = self.till.now - timedelta(hours=self.random.randrange(1_200))
        lines = (Line("0", 2, self.random.randrange(100, 9_000)),)
        return Purchase(self._name("p"), self.random.choice(MEMBERS), happened, "CNY", lines)

    def still(self) -> None:
        """Post at the very instant at which something else has happened."""
        self._post([self._command() for _ in range(3)])


class Closer:
    """Closes months as far as their turn has come, and keeps what each lock has left."""

    def __init__(self, till: Till) -> None:
        self.till = till

    def soft(self) -> None:
        events = self._events()
        due = first_open(events) or FIRST
        waits = bool(events) and events[-1].status == SOFT_CLOSED
        if not waits and month_at(self.till.program, self.till.now) > due:
            soft_closed(self.till, show_month(due))

    def lock(self) -> None:
        events = self._events()
        if events and events[-1].status == SOFT_CLOSED:
            locked(self.till, show_month(events[-1].period))

    def reopen(self) -> None:
        events = self._events()
        if not events:
            return
        last = events[-1]
        due = previous_month(last.period) if last.status == "open" else last.period
        if due >= FIRST:
            reopened(self.till, show_month(due))

    def is_behind(self) -> bool:
        """Whether a month that is over is not locked."""
        events = self._events()
        waits = bool(events) and events[-1].status == SOFT_CLOSED
        return waits or (first_open(events) or FIRST) < month_at(self.till.program, self.till.now)

    def locked_months(self) -> list[date]:
        events = self._events()
        months = sorted({event.period for event in events if event.status == LOCKED})
        return [month for month in months if status_of(events, month) == LOCKED]

    def known(self, month: date) -> Any:
        return [event for event in self._events() if event.period == month and event.pack_hash][
            -1
        ].recorded_at

    def _events(self) -> list[PeriodEvent]:
        with self.till.reading() as connection:
            return read_events(connection, self.till.program)


@examples(5)
@given(seed=st.integers(0, 10_000), steps=STEPS)
def test_locked_packs_never_change_and_the_months_add_up(till: Till, seed: int, steps: list[str]) -> None:
    ours = Till(till.database, new_program(till.database, f"law-{next(NUMBERS)}"))
    history, closer = Late(ours, Random(seed)), Closer(ours)
    acts: dict[str, Callable[[], None]] = {
        LIVE: lambda: history.run(4),
        STILL: history.still,
        SOFT: closer.soft,
        LOCK: closer.lock,
        REOPEN: closer.reopen,
        TOTAL: lambda: total_up(ours),
    }
    for step in steps:
        acts[step]()
    judge(ours, closer)
    # Until everything that was ever posted is in a month that is locked.
    ours.at(ours.now + timedelta(days=70))
    ours.sweep()
    while closer.is_behind():
        closer.lock()
        closer.soft()
    judge(ours, closer)
    add_up(ours, closer.locked_months())


def judge(till: Till, closer: Closer) -> None:
    """Every pack of a locked month again, from the entries as they are now; and what verification says."""
    with till.reading() as connection:
        program = find_program(connection, till.program.name)
        assert program is not None
        assert [found.told() for found in verify(connection, program, OURS) if not found.is_sound] == []
        before = None
        for month in closer.locked_months():
            kept = bytes_of_pack(till, show_month(month))
            pack = pack_of(till, show_month(month))
            anew = frozen(connection, program, month, closer.known(month), before)
            assert encoded(anew | {name: pack[name] for name in ADDED})[0].encode() == kept
            assert not [tie for tie in pack["ties"] if tie["difference"]]
            before = pack


def add_up(till: Till, months: list[date]) -> None:
    assert months[0] == FIRST
    packs = [pack_of(till, show_month(month)) for month in months]
    assert months[1:] == [next_month(month) for month in months[:-1]]
    for pack, following in pairwise(packs):
        for part in ("points", "deferral"):
            assert following[part]["opening"] == pack[part]["closing"]
    whole = report_of(till, "points-roll-forward", end=till.now)
    for name in Movements.__slots__:
        assert sum(pack["points"][name] for pack in packs) == whole[name], name
    assert packs[-1]["points"]["closing"] == whole["closing"]
