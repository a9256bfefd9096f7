"""Files of checkpoints, read line by line: a file may have as many leaves as a program has members."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger.finance.checkpoints.document import Checkpoint, Leaf, read_header, read_leaf


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A file that says it is a checkpoint. Reading raises UnreadableCheckpoint with the line that is at fault."""

    path: Path

    def checkpoint(self) -> Checkpoint:
        """What its first line says."""
        with self.path.open("rb") as file:
            return read_header(file.readline())

    def leaves(self) -> Iterator[Leaf]:
        """Its leaves as they stand, one by one; nobody has looked at their order or their root."""
        with self.path.open("rb") as file:
            file.readline()
            for number, line in enumerate(file, 2):
                yield read_leaf(number, line)
