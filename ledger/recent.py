"""What a worker keeps in mind of those who came lately, and no more of it than it has room for."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values by key; beyond ``most`` of them, the one that was put in longest ago is forgotten. Not thread-safe."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """What was put in under a key, where it is still known."""
        return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, as the one that came last."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
