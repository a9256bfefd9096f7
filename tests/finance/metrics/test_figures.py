"""The figures of the books that are shown at each scrape: of every program, bounded, and never in the page's way."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.access import ROLES, Principal
from ledger.alerts.register import acknowledge, list_alerts, raise_alert
from ledger.clock import system_now
from ledger.db import Database
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.finance.metrics import business
from ledger.finance.metrics.business import FIGURES, collect
from ledger.finance.metrics.figures import Declared, Figure, families
from ledger.finance.metrics.page import Page
from ledger.finance.totals.refresh import refresh
from ledger.http.meters import Meters
from ledger.journal.commands import Alert
from tests.finance.signing import signer
from tests.till import START, Till, day, new_program


def figures(till: Till) -> dict[tuple[str, ...], int | Decimal]:
    with till.reading() as connection:
        found = list(collect(connection, till.program, till.now))
    return {(figure.name, *figure.labels.values()): figure.value for figure in found}


def shown(database: Database, now: Any = START) -> dict[tuple[str, str], float]:
    """What the page shows, by metric and program."""
    page = Page(Meters(), database, now).render().decode()
    return {
        (sample.name, sample.labels.get("program", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_the_backlog_is_what_has_ended_and_is_not_booked(till: Till) -> None:
    for days in (1, 2, 3):
        till.award("m-1", 5, expires_at=day(days))
    till.award("m-2", 5)
    assert figures(till)["ledger_expiry_backlog_lots",] == 0
    # At the very instant the lot has ended.
    till.at(day(2))
    assert figures(till)["ledger_expiry_backlog_lots",] == 2
    till.sweep()
    assert figures(till)["ledger_expiry_backlog_lots",] == 0
    till.redeem("m-1", 5)
    till.at(day(9))
    assert figures(till)["ledger_expiry_backlog_lots",] == 0


def test_points_and_their_liability_are_the_reports(till: Till) -> None:
    """A purchase of 100.00 earns 100 points: 100/101 of a yuan is deferred for them, and their face is 1.00."""
    till.buy("m-1", 10_000)
    till.redeem("m-1", 20)
    found = figures(till)
    assert found["ledger_points_outstanding",] == 80
    # 10,000 * 100/10,100 = 99 fen; of which 20 of 100 points release 20.
    assert found["ledger_liability_minor_units", "book", "CNY"] == 79
    assert found["ledger_liability_minor_units", "face", "CNY"] == 80


def test_the_ratio_is_over_whole_days_and_net(till: Till) -> None:
    till.buy("m-1", 10_000)
    redemption = till.redeem("m-1", 50)
    till.refund(redemption, 20)
    assert ("ledger_redemption_ratio",) not in figures(till)
    till.at(day(1))
    assert figures(till)["ledger_redemption_ratio",] == Decimal("0.3")


def test_the_age_of_the_totals_is_by_the_systems_time(till: Till) -> None:
    till.buy("m-1", 10_000)
    assert ("ledger_totals_age_seconds",) not in figures(till)
    refresh(till.database, till.program, system_now() + timedelta(hours=1), settled_after=timedelta(0))
    with till.reading() as connection:
        found = {
            each.name: each.value
            for each in collect(connection, till.program, system_now() + timedelta(hours=2))
        }
    assert 3_599 <= found["ledger_totals_age_seconds"] <= 3_660


def test_nothing_is_counted_beyond_the_limit(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business, "LIMIT", 2)
    for _ in range(3):
        till.award("m-1", 5, expires_at=day(1))
    till.at(day(1))
    assert figures(till)["ledger_expiry_backlog_lots",] == 2


def test_alerts_are_open_until_somebody_has_looked(till: Till) -> None:
    def raise_both(connection: Any) -> None:
        for subject in ("a", "b"):
            raise_alert(
                connection,
                till.program,
                Alert("target_unreachable", subject, {"bound": "1", "share": "0", "target": "1"}),
                till.now,
            )

    till.database.run(raise_both)
    assert figures(till)["ledger_open_alerts", "target_unreachable"] == 2
    by = Principal("k", till.program, "admin", ROLES["admin"])

    def look(connection: Any) -> None:
        (alert, _) = list_alerts(connection, till.program).items
        acknowledge(connection, till.program, alert["alert_id"], "seen", by=by, now=till.now)

    till.database.run(look)
    assert figures(till)["ledger_open_alerts", "target_unreachable"] == 1


def test_the_age_of_a_checkpoint_counts_from_the_last_one(till: Till) -> None:
    till.award("m-1", 5)
    assert ("ledger_checkpoint_age_seconds",) not in figures(till)
    for days in (1, 2):
        till.at(day(days))
        till.database.run(lambda connection: make_checkpoint(connection, till.program, signer(), till.now))
    till.at(day(2) + timedelta(minutes=5))
    assert figures(till)["ledger_checkpoint_age_seconds",] == 300


def test_every_program_has_figures_of_its_own(till: Till) -> None:
    other = Till(till.database, new_program(till.database, "other"))
    other.award("m-1", 5, expires_at=day(1))
    page = shown(till.database, day(1))
    assert page["ledger_expiry_backlog_lots", till.program.name] == 0
    assert page["ledger_expiry_backlog_lots", "other"] == 1
    assert page["ledger_figures_readable", ""] == 1


def test_a_database_that_cannot_be_reached_leaves_the_rest_of_the_page() -> None:
    database = Database("postgresql://nobody@/nowhere?host=/nowhere", pool_size=1)
    page = shown(database)
    database.close()
    assert page["ledger_figures_readable", ""] == 0
    assert ("ledger_entries_posted_total", "") in page
    assert not [name for name, _ in page if name in FIGURES]


def test_a_scrape_changes_nothing_and_leaves_the_session_as_it_was(till: Till) -> None:
    shown(till.database)
    ((timeout,),) = till.rows("SHOW statement_timeout")
    assert timeout == "10s"


def test_figures_of_one_name_stand_together_and_an_undeclared_one_is_an_error() -> None:
    declared = {"ledger_x": Declared("What it is", ("code",))}
    found = [(program, Figure("ledger_x", 1, {"code": "a"})) for program in ("one", "two")]
    (family,) = families(declared, found)
    assert [sample.labels for sample in family.samples] == [
        {"program": "one", "code": "a"},
        {"program": "two", "code": "a"},
    ]
    with pytest.raises(KeyError):
        list(families(declared, [("one", Figure("ledger_y", 1))]))
