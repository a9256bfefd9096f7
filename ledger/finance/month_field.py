"""A month as requests and answers name it."""

from datetime import date
from typing import Any

from ledger.http.fields import Pattern


class Month(Pattern):
    """A calendar month in the program's time zone, 1970 to 9799. Inside, its first day."""

    pattern = r"(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-7][0-9]{2})-(?:0[1-9]|1[0-2])"
    must = "must be a month such as 2026-01, from 1970 to 9799"

    def read(self, value: Any) -> date:
        return date.fromisoformat(f"{super().read(value)}-01")
