"""The Merkle tree is that of RFC 6962: its known roots, and the recursive definition for any leaves."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.checkpoints.merkle import Tree, root_of
from tools.verify_journal import Tree as StrangersTree

# The leaves and roots by which implementations of Certificate Transparency are checked.
LEAVES = tuple(
    map(
        bytes.fromhex,
        ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def defined(leaves: list[bytes]) -> bytes:
    """The root as section 2.1 defines it."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + defined(leaves[:split]) + defined(leaves[split:])).digest()


def strangers_root(leaves: list[bytes]) -> bytes:
    tree = StrangersTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


@pytest.mark.parametrize("size", range(9))
def test_known_leaves_have_the_known_root(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert strangers_root(list(LEAVES[:size])).hex() == ROOTS[size]


@given(st.lists(st.binary(max_size=60), max_size=70))
def test_streamed_root_is_the_defined_one(leaves: list[bytes]) -> None:
    assert root_of(leaves) == defined(leaves) == strangers_root(leaves)


@given(st.integers(0, 3_000))
def test_memory_is_one_hash_for_each_bit_of_the_size_that_is_set(size: int) -> None:
    tree = Tree()
    for number in range(size):
        tree.add(number.to_bytes(8, "big"))
    assert tree.size == size
    assert len(tree._full) == size.bit_count()


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_root_changes_with_any_leaf_its_place_and_their_number(
    leaves: list[bytes], drawn: st.DataObject
) -> None:
    place = drawn.draw(st.integers(0, len(leaves) - 1))
    altered = [*leaves[:place], leaves[place] + b"x", *leaves[place + 1 :]]
    removed = leaves[:place] + leaves[place + 1 :]
    assert len({root_of(leaves), root_of(altered), root_of(removed), root_of([*leaves, b""])}) == 4
    swapped = leaves[::-1]
    assert (root_of(swapped) == root_of(leaves)) == (swapped == leaves)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    one, other = (sha256(b"\0" + leaf).digest() for leaf in LEAVES[:2])
    assert root_of([one + other]) != root_of(LEAVES[:2])
