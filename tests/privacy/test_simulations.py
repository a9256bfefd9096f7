"""A replay of history sees what an activity brought along, as long as it has not been erased."""

from typing import Any

from ledger.rules.simulation.reading import Range, connect, read_range
from tests.privacy.lives import NAME, SAID, Life


def brought_along(life: Life, url: str) -> list[dict[str, Any]]:
    """What the activities of the program brought along, as a replay reads them."""
    with life.service.owner.read() as holding:
        snapshot = holding.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        with connect(url, "ledger_app", snapshot) as connection:
            return [
                event.details.get("attributes", {})
                for _, events in read_range(
                    connection, life.tenant.program, Range(0, 1 << 128), lambda _: True
                )
                for event in events
                if event.kind == "activity"
            ]


def test_activities_are_replayed_with_what_they_brought_along_until_it_is_erased(
    life: Life, cluster: Any
) -> None:
    url, referral = cluster.app_url(life.service.database), {"referrer": "m-1"}
    assert {"text": SAID, NAME: 1} in brought_along(life, url)
    life.erase()
    told = brought_along(life, url)
    assert sorted(map(str, told)) == sorted(map(str, ({}, referral)))
