"""What has become of a month follows from the events alone."""

from datetime import UTC, date, datetime

import pytest

from ledger.finance.periods.states import PeriodEvent, first_open, first_unlocked, status_of

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


def events(*told: tuple[date, str]) -> list[PeriodEvent]:
    """Events one after another."""
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return [
        PeriodEvent(number.to_bytes(16, "big"), period, status, at, "k-1", None, None, None)
        for number, (period, status) in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("told", "statuses", "opens", "unlocked"),
    [
        ([], ("open", "open", "open"), None, None),
        ([(JANUARY, "soft_closed")], ("soft_closed", "open", "open"), FEBRUARY, JANUARY),
        (
            [(JANUARY, "soft_closed"), (JANUARY, "locked")],
            ("locked", "open", "open"),
            FEBRUARY,
            FEBRUARY,
        ),
        # What came before the first close was closed with it.
        ([(FEBRUARY, "soft_closed")], ("locked", "soft_closed", "open"), MARCH, FEBRUARY),
        (
            [(FEBRUARY, "soft_closed"), (FEBRUARY, "locked"), (FEBRUARY, "open")],
            ("locked", "open", "open"),
            FEBRUARY,
            FEBRUARY,
        ),
        (
            [(FEBRUARY, "soft_closed"), (FEBRUARY, "open"), (JANUARY, "open")],
            ("open", "open", "open"),
            JANUARY,
            JANUARY,
        ),
    ],
)
def test_the_last_event_decides_all_months(
    told: list[tuple[date, str]], statuses: tuple[str, ...], opens: date | None, unlocked: date | None
) -> None:
    found = events(*told)
    assert tuple(status_of(found, month) for month in (JANUARY, FEBRUARY, MARCH)) == statuses
    assert first_open(found) == opens
    assert first_unlocked(found) == unlocked
