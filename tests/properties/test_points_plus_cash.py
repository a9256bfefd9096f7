"""Points plus cash: no sequence of quotes, holds, payments and returns breaks the laws of value."""

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples, name_seed
from tests.properties.shopping import Shop, Step

TERMS: list[dict[str, Any]] = [
    {
        "returns": {"tender": tender, "shortfall": shortfall},
        "lapsed_refund": lapsed,
        "points_expiry": expiry,
        "pending_days": pending,
        "offline": {"credit": 500},
    }
    for tender, shortfall, lapsed, (expiry, pending) in product(
        ("pro_rata", "points_first", "cash_first"),
        ("debt", "deduct_cash", "refuse"),
        ({"policy": "lapse"}, {"policy": "grace", "grace_days": 2}),
        (
            ({"kind": "fixed_days", "days": 1}, 0),
            ({"kind": "rolling", "months": 1}, 0),
            ({"kind": "end_of_month", "months": 12}, 2),
        ),
    )
]
LIMITS: list[dict[str, Any]] = [
    {},
    {"redemption": {"step": 5, "minimum_points": 20, "min_percent": 10, "max_percent": 60}},
]
RATES = (300_000, 500_000, 995_000, 1_000_000, 2_600_001)

_STEP = st.tuples(st.integers(0, 200), st.integers(0, 60), st.integers(0, 100_000))
SEQUENCES: st.SearchStrategy[list[Step]] = st.lists(_STEP, min_size=8, max_size=15)
RETURNS: st.SearchStrategy[list[Step]] = st.lists(_STEP, max_size=6)


@examples(250)
@given(
    terms=st.sampled_from(TERMS),
    limits=st.sampled_from(LIMITS),
    micros=st.sampled_from(RATES),
    steps=SEQUENCES,
    returns=RETURNS,
)
def test_no_sequence_with_points_and_cash_gains_or_loses_anything(
    terms: dict[str, Any], limits: dict[str, Any], micros: int, steps: list[Step], returns: list[Step]
) -> None:
    name_seed()
    shop = Shop(micros, **terms, **limits)
    for step in steps:
        shop.step(*step)
    shop.close_down(returns)
