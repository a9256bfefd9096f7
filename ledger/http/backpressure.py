"""Answering while the request still arrives, to a caller who may not be reading yet.

Many HTTP clients send their whole request before they read a byte of the answer. A server that answers
meanwhile fills the buffers between them, stops reading, and both wait for ever. So an answer goes out
only while it can be written without waiting; the rest is kept in a temporary file until then.
"""

from collections.abc import Callable, Iterator
from select import POLLOUT, poll
from tempfile import SpooledTemporaryFile
from typing import Any, Final

IN_MEMORY_MAX: Final = 1024 * 1024
ON_DISK_MAX: Final = 1024 * 1024 * 1024
"""A caller who has let so much pile up waits for himself."""

PIECE: Final = 4096
"""A socket that is writable at all takes so much without waiting: Linux says so from a third of its buffer."""


def patient(blocks: Iterator[bytes], is_writable: Callable[[], bool]) -> Iterator[bytes]:
    """The bytes of ``blocks`` in order; each is taken as soon as it is there, and given as it can be written."""
    given = kept = 0
    with SpooledTemporaryFile(max_size=IN_MEMORY_MAX) as waiting:
        for block in blocks:
            waiting.seek(kept)
            waiting.write(block)
            kept += len(block)
            while given < kept and (is_writable() or kept - given > ON_DISK_MAX):
                piece = _read(waiting, given, kept)
                given += len(piece)
                yield piece
            if given == kept:
                given = kept = 0
        while given < kept:
            piece = _read(waiting, given, kept)
            given += len(piece)
            yield piece


def writability(environ: dict[str, Any]) -> Callable[[], bool]:
    """Whether the caller of a request can be written to without waiting; always, where nobody can tell."""
    socket = environ.get("gunicorn.socket")
    if socket is None:
        return lambda: True
    writable = poll()
    writable.register(socket, POLLOUT)
    return lambda: bool(writable.poll(0))


def _read(waiting: "SpooledTemporaryFile[bytes]", start: int, end: int) -> bytes:
    waiting.seek(start)
    # Beyond the end lies what was given before the file began anew.
    return waiting.read(min(PIECE, end - start))
