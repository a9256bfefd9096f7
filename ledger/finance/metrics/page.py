"""The page that Prometheus reads: what the processes have counted, and the figures of every program.

It is answered whatever the database does: the figures are left out where they cannot be read, and the page says so.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import text

from ledger.accounts.programs import list_programs
from ledger.db import Database
from ledger.errors import LedgerError
from ledger.finance.metrics.business import FIGURES, collect
from ledger.finance.metrics.figures import Figure, families
from ledger.http.meters import Meters

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

READABLE: Final = "ledger_figures_readable"

_MAX_PROGRAMS: Final = 200
_PATIENCE: Final = text("SELECT set_config('statement_timeout', '2000', true)")


class Page:
    """One scrape, as the library reads it."""

    def __init__(self, meters: Meters, database: Database, now: datetime) -> None:
        self.meters = meters
        self.database = database
        self.now = now

    def render(self) -> bytes:
        """The page in the text format."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Every metric of the page."""
        yield from self.meters.collect()
        found = self._figures()
        meaning = "1 where the figures of the books could be read at this scrape; without them 0."
        yield GaugeMetricFamily(READABLE, meaning, value=found is not None)
        if found is not None:
            yield from families(FIGURES, found)

    def _figures(self) -> list[tuple[str, Figure]] | None:
        try:
            with self.database.read() as connection:
                # A scrape never keeps the database busy for long.
                connection.execute(_PATIENCE)
                return [
                    (program.name, figure)
                    for program in list_programs(connection)[:_MAX_PROGRAMS]
                    for figure in collect(connection, program, self.now)
                ]
        except LedgerError:
            return None
