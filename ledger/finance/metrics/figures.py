"""Figures of the books that Prometheus is shown: declared by name, read for each program when it asks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from prometheus_client.metrics_core import GaugeMetricFamily
from sqlalchemy import Connection

from ledger.accounts.program import Program


class Figure(NamedTuple):
    """A number of a program now. ``labels`` beside the program's are few and their values declared."""

    name: str
    value: int | Decimal
    labels: Mapping[str, str] = {}


class Declared(NamedTuple):
    """What a figure of a name means, and by what it is told apart beside the program."""

    meaning: str
    labels: tuple[str, ...] = ()


Collect = Callable[[Connection, Program, datetime], Iterable[Figure]]
"""``collect(connection, program, now)``: a program's figures. Bounded: by an index and a limit, or from totals."""

PROGRAM: Final = "program"


def families(
    declared: Mapping[str, Declared], found: Sequence[tuple[str, Figure]]
) -> Iterator[GaugeMetricFamily]:
    """The figures of all programs, those of one name together; a name that was never declared is an error."""
    made = {
        name: GaugeMetricFamily(name, what.meaning, labels=[PROGRAM, *what.labels])
        for name, what in declared.items()
    }
    for program, figure in found:
        labels = [figure.labels[label] for label in declared[figure.name].labels]
        # The library makes its own number of the value as it writes it.
        made[figure.name].add_metric([program, *labels], figure.value)  # type: ignore[arg-type]
    yield from (family for family in made.values() if family.samples)
