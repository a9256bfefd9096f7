"""A program as one request sees it: the tenant with its currency, its time zone, its terms and its clock."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Program:
    """A tenant as one request sees it. ``terms`` is the JSON text of the version in force."""

    program_id: int
    name: str
    currency: str
    timezone: str
    terms_version: int
    terms: str
    is_test: bool = False
    test_now: datetime | None = None

    def now(self, system_now: datetime) -> datetime:
        """The program's present: the test clock where one is set."""
        return self.test_now or system_now

    def terms_object(self) -> dict[str, Any]:
        """The terms in force as an object, to show or to build the next version from."""
        parsed: dict[str, Any] = json.loads(self.terms)
        return parsed
