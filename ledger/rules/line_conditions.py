"""Conditions on lines, evaluated once for all lines that look the same to them.

A condition depends on nothing but the variables that it reads, and most read the category alone: there are a few
hundred of these, and a basket has ten lines. So what was found of a line is kept for the next one like it.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from ledger.rules.conditions import Conditions
from ledger.rules.facts import Line
from ledger.rules.variables import line_values

_MOST_KEPT: Final = 4_096


class LineConditions:
    """Several conditions of the line's scope."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._conditions = Conditions(sources, "line")
        names = sorted(name.removeprefix("line.") for name in self._conditions.variables)
        self._look = attrgetter(*names) if names else None
        self._known: dict[Any, list[bool | str]] = {}

    def verdicts(self, lines: Sequence[Line]) -> list[list[bool | str]]:
        """For each line what ``Conditions.verdicts`` says about it."""
        look, known = self._look, self._known
        return [
            known.get(key) or self._evaluated(key, line)
            for key, line in zip(map(look, lines) if look is not None else lines, lines, strict=True)
        ]

    def _evaluated(self, key: Any, line: Line) -> list[bool | str]:
        verdicts = self._conditions.verdicts(line_values(line))
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[key] = verdicts
        return verdicts
