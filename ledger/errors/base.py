"""The base of all refusals, and the kinds that there are: what each means for a caller who asks again."""

from typing import Any, ClassVar


class LedgerError(Exception):
    """Base of all refusals. ``details`` are typed members of the answer; they name the facts at fault."""

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **details: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.details = details


class Malformed(LedgerError):
    """The request cannot be read. Nothing was decided and nothing is remembered."""


class Absent(LedgerError):
    """What the request names is not there, or not the caller's to see. May be there later: not remembered."""


class Conflict(LedgerError):
    """The request contradicts a fact already in the books. Remembered under its key."""


class Refused(LedgerError):
    """A rule of the business says no. Remembered under its key, and replayed."""


class Gone(LedgerError):
    """What the request names was good once and never will be again. Remembered under its key."""


class Unavailable(LedgerError):
    """Nothing is known to have happened; the same request, with the same key, may be sent again."""

    retryable = True


def error_classes(base: type[LedgerError] = LedgerError) -> list[type[LedgerError]]:
    """Every class that has a code."""
    below = [kind for direct in base.__subclasses__() for kind in error_classes(direct)]
    return ([base] if "code" in base.__dict__ else []) + below


def error_class(code: str) -> type[LedgerError]:
    """The class of a code; KeyError for a code that no release ever had."""
    return {kind.code: kind for kind in error_classes()}[code]
