"""Three who work together: whatever they buy, spend, give each other, bring back, undo, merge and part, nobody gains.

The law, after every step: what the three have had of the program and have yet (points they spent and kept spent,
points available, pending and held, less what they owe) is no more than the purchases that they kept are worth.
It counts from the rate and the receipts alone; what the ledger says that it issued has no part in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.funds.commands import Authority
from ledger.journal.commands import Command
from ledger.merging.commands import Merge, Unmerge
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.reversals import Reverse
from tests.builders import Bench, give_back, program, purchase, redeem, refund, terms, transfer
from tests.model.memory import MemoryDriver
from tests.model.snapshot import LotRow
from tests.profiles import examples

MEMBERS = ("m-1", "m-2", "m-3")
FEN_FOR_A_POINT = 100

Step = tuple[str, int, int, int, int]

STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "buy",
                "buy",
                "redeem",
                "redeem",
                "refund",
                "transfer",
                "transfer",
                "return",
                "return",
                "hold",
                "capture",
                "release",
                "reverse",
                "merge",
                "unmerge",
                "wait",
            ]
        ),
        st.integers(0, 2),
        st.integers(1, 2),
        st.integers(0, 11),
        st.sampled_from([1, 7, 99, 100, 101, 250, 5_000]),
    ),
    min_size=5,
    max_size=40,
)


@dataclass
class Ring:
    """Three members, and what they could act on again."""

    bench: Bench
    numbers: "count[int]" = field(default_factory=count)
    bought: dict[str, int] = field(default_factory=dict)
    """What each purchase has cost, less what has gone back of it, in fen."""
    redemptions: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    entries: list[tuple[str, str | None]] = field(default_factory=list)
    """Entries, and the purchase that one is."""

    def act(self, step: Step) -> None:
        """Try one step; it may be refused."""
        kind, who, other, chosen, amount = step
        member, friend = MEMBERS[who], MEMBERS[(who + other) % 3]
        if kind == "wait":
            self.bench.wait(days=amount % 45)
            return
        if kind == "buy":
            self._buy(member, amount * 10)
            return
        command = self._command(kind, member, friend, chosen, amount)
        if command is None:
            return
        (answer,) = self.bench.post(command)
        if answer.body is None:
            return
        self._remember(kind, answer.body)
        if isinstance(command, Reverse):
            self.bought.pop(self._purchase_of(command.entry_id) or "", None)
        elif kind == "return":
            name = self._earlier(list(self.bought), chosen)
            assert name is not None
            self.bought[name] -= min(amount, self.bought[name])

    def _buy(self, member: str, fen: int) -> None:
        name = f"p-{next(self.numbers)}"
        bought = self.bench.must(purchase(fen, member=member, purchase_id=name, at=self.bench.now))
        self.bought[name] = fen
        self.entries.append((bought["entry_id"], name))

    def _command(self, kind: str, member: str, friend: str, chosen: int, amount: int) -> Command | None:
        if kind == "reverse" and self.entries:
            return Reverse(self.entries[chosen % len(self.entries)][0], "undone")
        about = {"refund": self.redemptions, "capture": self.holds, "release": self.holds}
        about["return"] = list(self.bought)
        name = self._earlier(about.get(kind, []), chosen)
        first: dict[str, Callable[[], Command]] = {
            "merge": lambda: Merge(member, friend, TWO_KEYS),
            "unmerge": lambda: Unmerge(member, friend, TWO_KEYS),
            "redeem": lambda: redeem(self._within(member, amount), member=member),
            "transfer": lambda: transfer(self._within(member, amount), sender=member, recipient=friend),
            "hold": lambda: PlaceHold(
                member, self._within(member, amount), None, f"h-{next(self.numbers)}", 86_400
            ),
        }
        again: dict[str, Callable[[str], Command]] = {
            "refund": lambda redemption: refund(redemption, amount),
            "return": lambda bought: give_back(bought, min(amount, self.bought[bought]), at=self.bench.now),
            "capture": lambda hold: CaptureHold(hold, amount),
            "release": ReleaseHold,
        }
        if kind in first:
            return first[kind]()
        return again[kind](name) if name is not None and kind in again else None

    def _within(self, member: str, amount: int) -> int:
        """The amount; where the member has less, nearly all that he has."""
        available = self.bench.available(member)
        return amount if amount <= available else max(1, available - amount % 3)

    def _earlier(self, names: list[str], chosen: int) -> str | None:
        return names[chosen % len(names)] if names else None

    def _remember(self, kind: str, body: dict[str, Any]) -> None:
        if kind in ("redeem", "capture"):
            self.redemptions.append(body["redemption_id"])
        if kind == "hold":
            self.holds.append(body["hold_id"])
        self.entries.append((body["entry_id"], None))

    def _purchase_of(self, entry_id: str) -> str | None:
        return dict(self.entries).get(entry_id)

    @property
    def justly_earned(self) -> int:
        """What the purchases that they kept are worth, each rounded down by itself."""
        return sum(fen // FEN_FOR_A_POINT for fen in self.bought.values())

    @property
    def left_behind(self) -> int:
        """What is alive, or owed, in the books of those who were merged into others."""
        books = self.bench.books()
        merged = {name: row for name, row in books.holders.items() if row.merged_into is not None}
        alive = [lot for name in merged for lot in books.lots.get(name, []) if self._is_live(lot)]
        return sum(lot.remaining for lot in alive) + sum(row.debt for row in merged.values())

    def _is_live(self, lot: LotRow) -> bool:
        return lot.expires_at is None or self.bench.now < lot.expires_at

    @property
    def had(self) -> int:
        """What they have had of the program and have yet."""
        books = self.bench.books()
        spent = sum(
            posting.amount * ((posting.credit == REDEEMED) - (posting.debit == REDEEMED))
            for entries in books.entries.values()
            for entry in entries
            for posting in entry.postings
        )
        kept = sum(
            lot.remaining
            for lots in books.lots.values()
            for lot in lots
            if lot.unit == 1 and self._is_live(lot)
        )
        owed = sum(holder.debt - holder.held for holder in books.holders.values())
        return spent + kept - owed


REDEEMED = 51
TWO_KEYS = Authority("apr", "one", "another")


def terms_of_a_program() -> st.SearchStrategy[dict[str, Any]]:
    """Lenient and strict programs of one rate."""
    return st.builds(
        lambda pending, life, lapsed, limit: terms(
            pending_days=pending, points_expiry=life, lapsed_refund=lapsed, debt_limit=limit
        ),
        st.sampled_from([0, 0, 7]),
        st.sampled_from(
            [{"kind": "never"}, {"kind": "end_of_month", "months": 0}, {"kind": "rolling", "months": 1}]
        ),
        st.sampled_from([{"policy": "lapse"}, {"policy": "grace", "grace_days": 10}]),
        st.sampled_from([1_000_000, 100, 0]),
    )


@examples(300)
@given(chosen=terms_of_a_program(), steps=STEPS)
def test_three_who_work_together_never_gain(chosen: dict[str, Any], steps: list[Step]) -> None:
    ring = Ring(Bench(MemoryDriver(program(**chosen))))
    for step in steps:
        before = ring.had
        ring.act(step)
        assert ring.had <= ring.justly_earned, step
        # Merging and parting make nothing and lose nothing.
        assert step[0] not in ("merge", "unmerge") or ring.had == before
        assert ring.left_behind == 0
    ring.bench.check()


def test_the_law_would_notice_a_gain() -> None:
    """A ring whose receipts say less than was earned is found out at once."""
    ring = Ring(Bench(MemoryDriver(program())))
    ring.act(("buy", 0, 1, 0, 5_000))
    assert ring.had == ring.justly_earned == 500
    ring.bought.clear()
    assert ring.had > ring.justly_earned


def test_what_was_spent_and_given_on_is_owed_when_the_goods_go_back() -> None:
    ring = Ring(Bench(MemoryDriver(program())))
    for step in (
        ("buy", 1, 1, 0, 1),
        ("buy", 0, 1, 0, 100),
        ("transfer", 0, 1, 0, 7),
        ("redeem", 1, 1, 0, 7),
        ("return", 0, 1, 1, 5_000),
    ):
        ring.act(step)
    assert (ring.justly_earned, ring.had) == (0, 0)
    assert ring.bench.debt("m-1") == 7
    ring.bench.now += timedelta(days=1)
    ring.bench.check()
