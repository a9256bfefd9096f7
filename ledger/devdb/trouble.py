"""The one exception of this package, apart so that each module may raise it."""


class DevServerError(RuntimeError):
    """The embedded server cannot be found, started or reached; the message says what to do about it."""
