"""What a verification finds: for each check how much it examined, how much is wrong, and the first wrong row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from ledger.ids import show

_PREFIXES = {
    "entry_id": "ent",
    "parent_entry_id": "ent",
    "lot_id": "lot",
    "hold_id": "hld",
    "quote_id": "quo",
    "approval_id": "apr",
    "checkpoint_id": "chk",
    "event_id": "evt",
}


class Fault(NamedTuple):
    """A row that is not what the others say it must be. Without ``field`` the row as a whole is wrong."""

    table: str
    key: Mapping[str, Any]
    field: str | None
    expected: str | None
    found: str | None

    def told(self) -> str:
        """The fault in one line."""
        key = ", ".join(f"{name} {_shown(name, value)}" for name, value in self.key.items())
        return f"{self.table} ({key}): {self.field or 'row'} must be {self.expected}, and is {self.found}"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``examined`` counts rows by table."""

    check: str
    promise: str
    examined: Mapping[str, int]
    faults: int = 0
    first: Fault | None = None

    @property
    def is_sound(self) -> bool:
        return not self.faults

    def told(self) -> str:
        """The finding in one line, or in two where something is wrong."""
        rows = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in self.examined.items())
        if self.first is None:
            return f"ok      {self.check:<18} {rows}"
        some = "1 fault" if self.faults == 1 else f"{self.faults:,} faults"
        return f"BROKEN  {self.check:<18} {some} in {rows}: {self.promise}\n        {self.first.told()}"


def _shown(name: str, value: Any) -> str:
    if isinstance(value, UUID):
        return show(_PREFIXES[name], value.bytes) if name in _PREFIXES else str(value)
    return str(value)
