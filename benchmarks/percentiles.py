"""Percentiles by the nearest rank: the value that was measured, never one between two."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; ``share`` above 0, up to 1."""
    assert values
    assert 0 < share <= 1
    # Rounded first: 0.99 times 100 is a little more than 99 in binary.
    return sorted(values)[math.ceil(round(len(values) * share, 9)) - 1]
