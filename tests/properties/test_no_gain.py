"""Nobody gains: once everything that earned points went back, nothing of what it earned is left to anybody."""

import copy
from datetime import datetime
from itertools import count

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ledger.journal.commands import Command
from ledger.redemption.reversals import Reverse
from ledger.rules.returns import Return, ReturnedLine
from tests.builders import NOW, Bench, give_back, program, purchase, redeem, refund, request, terms, transfer
from tests.model.driver import Driver
from tests.model.facts import Event
from tests.model.invariants import check_books, flows
from tests.model.memory import MemoryDriver
from tests.model.reference import Model
from tests.properties.machine import LedgerMachine, run
from tests.properties.test_machine_in_memory import make_driver


def value_of_all(driver: Driver, now: datetime) -> int:
    """What the members together have had of the program: spent and kept points, less what they owe."""
    books = driver.snapshot()
    moved = flows(entry for entries in books.entries.values() for entry in entries)
    # Where the machine's clock has stepped back, the books have not: what they saw lapse has lapsed.
    seen = {name: max(now, holder.recorded_at or now) for name, holder in books.holders.items()}
    live = sum(
        lot.remaining
        for name, lots in books.lots.items()
        for lot in lots
        if lot.unit == 1 and (lot.expires_at is None or seen[name] < lot.expires_at)
    )
    owed = sum(holder.debt for holder in books.holders.values())
    held = sum(holder.held for holder in books.holders.values())
    return moved["redeemed"] - moved["redeemed back"] + live + held - owed


class GainMachine(LedgerMachine):
    """Stops now and then to ask what everybody would be left with."""

    @precondition(lambda self: self.model.members)
    @rule(shuffled=st.randoms(use_true_random=False))
    def if_everything_went_back_nobody_would_have_gained(self, shuffled: object) -> None:
        driver = copy.deepcopy(self.driver)
        # A debt limit would refuse what this is about.
        driver.change_terms(self.model.terms | {"debt_limit": 2**52}, self.now)
        taken_back = [
            command for event in self.model.events for command in undoing(self.model, event, self.now)
        ]
        shuffled.shuffle(taken_back)  # type: ignore[attr-defined]
        requests = [request(command, f"undo-{number}") for number, command in zip(count(), taken_back)]
        answers = driver.post(requests, now=self.now)
        assert {answer.code for answer in answers} <= {None, "debt_limit_exceeded"}
        if all(answer.code is None for answer in answers):
            assert value_of_all(driver, self.now) <= 0
            assert sum(row.growth_value for row in driver.snapshot().holders.values()) == 0
        check_books(driver.snapshot())


def undoing(model: Model, event: Event, now: datetime) -> list[Command]:
    """What takes the entry's awards back: a return of all that is left, or a reversal."""
    if event.reversed_by is not None:
        return []
    if event.kind == "award" or (event.kind == "adjust" and event.awards):
        identifier = next(i for i, number in model.ids.items() if number == event.number)
        return [Reverse(f"ent_{identifier}", "undone")]
    if event.kind != "earn":
        return []
    (name,) = [
        name for (kind, name), number in model.names.items() if (kind, number) == ("purchase", event.number)
    ]
    lines = []
    for line, (quantity, amount) in event.bought.items():
        back = event.returned.get(line, (0, 0))
        lines.append(ReturnedLine(line, quantity - back[0], amount - back[1]))
    return [Return(name, f"undo-{name}", max(now, event.at), tuple(lines))]


def test_no_sequence_gains_once_everything_that_earned_went_back() -> None:
    run(make_driver, examples=60, steps=40, machine=GainMachine)


@pytest.mark.parametrize("spent", [0, 1, 50, 99, 100])
def test_buying_spending_and_returning_ten_times_gains_nothing(spent: int) -> None:
    bench = Bench(MemoryDriver(program()))
    for _ in range(10):
        bought = bench.must(purchase(10_000))
        available = bench.available()
        if available and spent:
            redemption = bench.must(redeem(min(spent, available)))["redemption_id"]
            bench.must(refund(redemption, 1))
        bench.must(give_back(bought["purchase_id"], 10_000))
    assert value_of_all(bench.driver, NOW) == 0
    bench.check()


def test_splitting_a_purchase_earns_no_more_than_the_whole() -> None:
    whole, split = Bench(MemoryDriver(program())), Bench(MemoryDriver(program()))
    whole.must(purchase(9_990))
    for _ in range(10):
        split.must(purchase(999))
    assert (whole.available(), split.available()) == (99, 90)


def test_points_sent_around_come_back_with_the_expiry_they_left_with() -> None:
    bench = Bench(MemoryDriver(program()))
    earned = bench.must(purchase(10_000))
    bench.must(purchase(0, member="m-2"))
    for _ in range(5):
        bench.must(transfer(100))
        bench.must(transfer(100, sender="m-2", recipient="m-1"))
    expiries = {lot.expires_at for lot in bench.lots("m-1") + bench.lots("m-2")}
    assert [f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}" for moment in expiries if moment] == [
        earned["lots"][0]["expires_at"]
    ]
    bench.must(give_back(earned["purchase_id"], 10_000))
    assert value_of_all(bench.driver, NOW) == 0
    bench.check()


def test_return_after_a_better_rate_takes_back_no_more_than_was_given() -> None:
    bench = Bench(MemoryDriver(program()))
    bought = bench.must(purchase(10_000))
    bench.driver.change_terms(terms(points={"per": 10, "amount": 100}), NOW)
    assert bench.must(give_back(bought["purchase_id"], 10_000))["points_clawed_back"] == 100
