"""Answers wait for a caller who only sends, and reach one who reads at once."""

from collections.abc import Iterator

from ledger.http.backpressure import PIECE, patient, writability

BLOCKS = [
    bytes([65 + number]) * size for number, size in enumerate((1, PIECE, PIECE + 1, 5 * PIECE, 0, 700_000))
]


class Caller:
    """Reads only when told to, and counts how much was taken from the source."""

    def __init__(self, reads: bool) -> None:
        self.reads = reads
        self.taken = 0

    def blocks(self) -> Iterator[bytes]:
        for block in BLOCKS * 4:
            self.taken += 1
            yield block

    def is_reading(self) -> bool:
        return self.reads


def test_a_caller_who_reads_gets_each_block_before_the_next_is_made() -> None:
    caller = Caller(reads=True)
    answer = patient(caller.blocks(), caller.is_reading)
    got = b""
    while len(got) < 1 + PIECE:
        got += next(answer)
    assert caller.taken == 2
    assert got + b"".join(answer) == b"".join(BLOCKS * 4)


def test_for_a_caller_who_only_sends_everything_is_taken_before_anything_is_given() -> None:
    caller = Caller(reads=False)
    answer = patient(caller.blocks(), caller.is_reading)
    first = next(answer)
    assert caller.taken == 4 * len(BLOCKS)
    assert first + b"".join(answer) == b"".join(BLOCKS * 4)


def test_a_caller_who_begins_to_read_gets_all_of_it_in_order() -> None:
    caller = Caller(reads=False)

    def awakening() -> Iterator[bytes]:
        for number, block in enumerate(caller.blocks()):
            caller.reads = number % 5 == 4
            yield block

    pieces = list(patient(awakening(), caller.is_reading))
    assert b"".join(pieces) == b"".join(BLOCKS * 4)
    assert max(map(len, pieces)) <= PIECE


def test_without_a_socket_to_ask_everything_is_given_at_once() -> None:
    assert writability({})() is True
