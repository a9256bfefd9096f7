"""What is held counts towards the most points that a member may have: it comes back one day."""

from ledger.money import MAX_AMOUNT
from ledger.redemption.holds import PlaceHold
from tests.builders import Bench, earning, program
from tests.model.memory import MemoryDriver


def test_no_room_is_given_away_that_a_hold_needs_when_it_lapses() -> None:
    bench = Bench(MemoryDriver(program()))
    bench.must(earning(100))
    bench.must(PlaceHold("m-1", 100, None, "h-1", 60))
    assert bench.refused(earning(MAX_AMOUNT - 99)) == "amount_too_large"
    bench.must(earning(MAX_AMOUNT - 100))
    bench.wait(seconds=60)
    (answer,) = bench.post(earning(1))
    assert (answer.code, bench.available()) == ("amount_too_large", MAX_AMOUNT)
    bench.check()
