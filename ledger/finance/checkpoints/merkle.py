"""The Merkle tree of RFC 6962, section 2.1: one hash over any number of leaves in their order.

A leaf and a node are hashed behind different first bytes, so that neither can pass for the other. The tree over
n leaves splits them at the largest power of two below n.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_LEAF: Final = b"\0"
_NODE: Final = b"\1"


@dataclass
class Tree:
    """A tree that grows leaf by leaf, and keeps as many hashes as its size has bits.

    These are the roots of the full subtrees that the leaves so far fill, largest first: one for each bit of the
    size that is set, as the splits at powers of two leave them.
    """

    size: int = 0
    _full: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Put a leaf behind the others."""
        grown, carried = sha256(_LEAF + leaf).digest(), self.size
        # Two full subtrees of one size are one of twice that size: the carry of a binary counter.
        while carried & 1:
            grown = _node(self._full.pop(), grown)
            carried >>= 1
        self._full.append(grown)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the tree as it is; that of no leaves is the hash of nothing."""
        if not self._full:
            return sha256().digest()
        *larger, root = self._full
        for subtree in reversed(larger):
            root = _node(subtree, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()
