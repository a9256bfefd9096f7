"""Tills that were offline: late, shuffled, repeated and split batches end where the right order ends.

What is compared is what people can see: points that may be spent, points that are pending, debt and growth; and what
every account holds. Which lot a point came out of may differ; so where some sales of a backlog are beyond their return
window and others are within it, what is pending may differ as well, and only what there is in all may not.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import Request
from ledger.journal.commands import Command
from ledger.redemption.commands import RedeemOffline
from ledger.redemption.offline import Offline
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import OfflinePayment, PointsPart
from tests.builders import NOW, Bench, request
from tests.profiles import examples, name_seed
from tests.properties.shopping import Shop

CREDIT = 500
EXPIRIES: Sequence[dict[str, Any]] = (
    {"kind": "never"},
    {"kind": "fixed_days", "days": 1},
    {"kind": "rolling", "months": 1},
)


AGES = (-4, 0, 1, 600, 1_430, 1_500, 2_000)
"""Minutes: by the clock of a till that is fast, within a return window of a day, and beyond it."""


class End(NamedTuple):
    """What a member has in the end."""

    available: int
    pending: int
    debt: int
    growth: int

    @property
    def in_all(self) -> tuple[int, int, int]:
        """What does not depend on which lot a point came out of."""
        return self.available + self.pending, self.debt, self.growth


@st.composite
def operations(draw: st.DrawFn) -> list[Command]:
    """What tills have done in the last day and a half: sales, sales paid with points, and points taken."""
    made: list[Command] = []
    for number in range(draw(st.integers(2, 9))):
        member, till = (
            draw(st.sampled_from(["m-1", "m-1", "m-2"])),
            draw(st.sampled_from(["till-1", "till-2"])),
        )
        at = NOW - timedelta(minutes=draw(st.sampled_from(AGES)))
        points = draw(st.integers(1, 300))
        if draw(st.booleans()):
            made.append(RedeemOffline(member, points, f"r-{number}", Offline(till, at)))
            continue
        lines = (Line("1", 1, draw(st.integers(points + 1, 30_000))),)
        part = PointsPart(offline=OfflinePayment(till, points, 1)) if draw(st.booleans()) else None
        made.append(Purchase(f"p-{number}", member, at, "CNY", lines, points_part=part))
    return made


def shop(expiry: dict[str, Any], pending_days: int) -> Bench:
    """A program whose tills may lend, with a rate that was in force all the while, and members who are new to it."""
    terms = {"offline": {"credit": CREDIT}, "points_expiry": expiry, "pending_days": pending_days}
    opened = Shop(1_000_000, begins=NOW - timedelta(days=9), gift=0, **terms)
    return opened.bench


def post_all(bench: Bench, batches: Sequence[Sequence[Request]]) -> None:
    for batch in batches:
        answers = bench.send(*batch)
        assert {answer.code for answer in answers} == {None}, answers


def end_of(bench: Bench) -> tuple[dict[str, End], Counter[int]]:
    """What the members have, and what every account holds."""
    bench.check()
    books = bench.books()
    held = Counter[int]()
    for entries in books.entries.values():
        for posting in (posting for entry in entries for posting in entry.postings):
            held[posting.debit] += posting.amount
            held[posting.credit] -= posting.amount
    members = {
        name: End(bench.available(name), bench.pending(name), holder.debt, holder.growth)
        for name, holder in books.holders.items()
    }
    return members, Counter({account: amount for account, amount in held.items() if amount})


def split_up(requests: list[Request], random: Random) -> list[list[Request]]:
    """The requests in another order and in batches, some of them sent again, within a batch or later."""
    sent = [*requests, *random.choices(requests, k=random.randint(0, 4))]
    random.shuffle(sent)
    cuts = sorted({0, len(sent), *(random.randint(0, len(sent)) for _ in range(3))})
    return [sent[low:high] for low, high in pairwise(cuts)]


@examples(300)
@given(
    commands=operations(),
    expiry=st.sampled_from(EXPIRIES),
    pending_days=st.sampled_from([0, 1, 3]),
    random=st.randoms(use_true_random=False),
)
def test_batches_of_tills_end_the_same_in_any_order_split_and_repetition(
    commands: list[Command], expiry: dict[str, Any], pending_days: int, random: Random
) -> None:
    name_seed()
    requests = [request(command, f"key-{number}") for number, command in enumerate(commands)]
    in_order, shuffled = shop(expiry, pending_days), shop(expiry, pending_days)
    post_all(in_order, [requests])
    post_all(shuffled, split_up(requests, random))
    (members, accounts), (others, other_accounts) = end_of(in_order), end_of(shuffled)
    assert accounts == other_accounts
    assert {name: end.in_all for name, end in members.items()} == {n: end.in_all for n, end in others.items()}
    if pending_days != 1:
        assert members == others


def test_a_backlog_across_the_return_window_ends_alike_once_the_window_is_over() -> None:
    old, new = (
        Purchase(f"p-{age}", "m-1", NOW - timedelta(minutes=age), "CNY", (Line("1", 1, 10_000),))
        for age in (1_500, 10)
    )
    taken = RedeemOffline("m-1", 50, "r-1", Offline("till-1", NOW))
    benches = [shop({"kind": "never"}, pending_days=1) for _ in range(2)]
    for bench, order in zip(benches, ((old, new, taken), (taken, new, old)), strict=True):
        post_all(bench, [[request(command, command.claim.reference)] for command in order if command.claim])
    assert [(bench.available(), bench.pending()) for bench in benches] == [(50, 100), (100, 50)]
    for bench in benches:
        bench.wait(days=1)
    assert [(bench.available(), bench.pending()) for bench in benches] == [(150, 0), (150, 0)]


def test_a_sale_repays_what_its_own_payment_owes() -> None:
    bench = shop({"kind": "never"}, pending_days=0)
    part = PointsPart(offline=OfflinePayment("till-1", 60, 1))
    sale = Purchase("p-1", "m-1", NOW, "CNY", (Line("1", 1, 10_000),), points_part=part)
    post_all(bench, [[request(sale, "p-1")]])
    # It earns 100, and 60 of them were taken before they were there.
    assert (bench.available(), bench.debt()) == (40, 0)


def test_pending_points_cover_what_a_till_took() -> None:
    bench = shop({"kind": "never"}, pending_days=3)
    sale = Purchase("p-1", "m-1", NOW, "CNY", (Line("1", 1, 10_000),))
    taken = RedeemOffline("m-1", 60, "r-1", Offline("till-1", NOW))
    post_all(bench, [[request(sale, "p-1")], [request(taken, "r-1")]])
    assert (bench.available(), bench.pending(), bench.debt()) == (0, 40, 0)
