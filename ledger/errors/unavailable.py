"""Times when nothing is known to have happened: the same request may be sent again."""

from ledger.errors.base import LedgerError, Unavailable


class InFlight(Unavailable):
    """Another request holds the same member longer than the lock time-out."""

    code = "in_flight"
    title = "A request on the same member or key is still in flight"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached"


class OutcomeUnknown(Unavailable):
    """The connection broke after the commit was sent. Send the same key again to learn the outcome."""

    code = "outcome_unknown"
    title = "The outcome is unknown; send the same key again"


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too many requests are waiting"


class InternalError(LedgerError):
    code = "internal_error"
    title = "The ledger failed; nothing was written"
    retryable = True
