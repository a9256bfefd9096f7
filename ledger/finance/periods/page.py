"""The close pack as a page to print."""

from typing import Any


def page_of_pack(pack: dict[str, Any]) -> str:
    """The page, complete in itself."""
    raise NotImplementedError
