"""Budgets beside points: what is summed over members leaves them out."""

from ledger.demo.figures import read_figures
from ledger.funds.commands import GrantFund
from ledger.rules.commands import Earning
from tests.till import Till

from .regions import BY


def test_figures_of_a_program_with_budgets_tie_and_count_members_alone(till: Till) -> None:
    till.post(GrantFund("spring", 10_000, "g-1", "a plan", BY))
    till.post(Earning("m-1", 300, "sorry", "a-1", fund="spring"))
    till.buy("m-2", 10_000)
    with till.reading() as connection:
        figures = read_figures(connection, till.program, till.now)
    assert set(figures.differences.values()) == {0}
    assert (figures.balances.points, figures.movements.issued) == (400, 400)
    assert figures.richest_member == "m-1"
    assert figures.entries == {"award": 1, "earn": 1, "fund_grant": 1, "fund_spend": 1}
