"""Reading an object of JSON strictly: every member is taken by name and type, and what is wrong is noted with its path.

A fault does not stop the reading, so that a caller sees all that is wrong at once. What could not be read is
replaced by something harmless; who reads must look at the faults before using the result.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

Fault = tuple[str, str]
"""Where, such as ``rules.3.when``, and what is wrong there."""

CODE: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_TEXT: Final = 64
MAX_NAME: Final = 128
MAX_ENTRIES: Final = 500
# Centuries from the ends of the calendar, so that every time zone can tell when such a day begins and ends.
_DAY: Final = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")
_LANGUAGES: Final = ("en", "zh")


class Node:
    """An object somewhere in the content. Members that nobody took are faults when it is closed."""

    def __init__(self, content: Any, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = faults
        self._content: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
        self._taken: set[str] = set()
        if not isinstance(content, Mapping):
            faults.append((path, "is an object"))

    def has(self, name: str) -> bool:
        """Whether the member is there."""
        return name in self._content

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a member, or with the object itself where the name is empty."""
        self.faults.append((self._at(name) if name else self.path, message))

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from ``low`` to ``high``; required without a default."""
        if default is not None and name not in self._content:
            return default
        found = self._take(name)
        # A bool is an int to Python, and a float is none however round it is.
        if type(found) is not int or not low <= found <= high:
            self._note(name, f"is a whole number from {low} to {high}")
            return max(low, 1)
        return found

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of the words; required without a default."""
        if default is not None and name not in self._content:
            return default
        found = self._take(name)
        if found not in choices:
            self._note(name, f"is one of {', '.join(choices)}")
            return choices[0]
        return str(found)

    def code(self, name: str, default: str | None = None) -> str:
        """A code of the business; required without a default."""
        if default is not None and name not in self._content:
            return default
        found = self._take(name)
        if not isinstance(found, str) or not CODE.fullmatch(found):
            self._note(name, "is a code: 1 to 64 letters, digits, or . _ : -")
            return ""
        return found

    def code_or_none(self, name: str) -> str | None:
        """A code, or None where there is no such member."""
        return self.code(name) if name in self._content else None

    def flag(self, name: str) -> bool:
        """True or false; false where it is left out."""
        found = self._take(name) if name in self._content else False
        if not isinstance(found, bool):
            self._note(name, "is true or false")
        return found is True

    def text_or_none(self, name: str) -> str | None:
        """A text of any length, or None where there is no such member."""
        if name not in self._content:
            return None
        found = self._take(name)
        if not isinstance(found, str):
            self._note(name, "is a text")
            return None
        return found

    def day_or_none(self, name: str) -> date | None:
        """A day such as 2026-03-01, or None where there is no such member."""
        text = self.text_or_none(name)
        if text is None:
            return None
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self._note(name, "is a day such as 2026-03-01")
        return None

    def texts(self, name: str, check: Callable[[str], str | None] | None = None) -> tuple[str, ...]:
        """A list of different texts, each as ``check`` wants it; none where it is left out."""
        found = self._list(name)
        for i, text in enumerate(found):
            fault = _fault_of_text(text) or (check(text) if check else None)
            if fault is None and text in found[:i]:
                fault = "stands twice"
            if fault is not None:
                self._note(f"{name}.{i}", fault)
        return tuple(text for text in found if isinstance(text, str))

    def codes(self, name: str) -> tuple[str, ...]:
        """A list of different codes; none where it is left out."""
        return self.texts(name, lambda text: None if CODE.fullmatch(text) else "is a code")

    def name(self) -> Mapping[str, str]:
        """What people call it, in one language or in both; nothing where it is left out."""
        if "name" not in self._content:
            return {}
        node = Node(self._take("name"), self._at("name"), self.faults)
        named = {}
        for language in _LANGUAGES:
            text = node.text_or_none(language)
            if text is not None and not 0 < len(text) <= MAX_NAME:
                node.fault(language, f"is a text of 1 to {MAX_NAME} characters")
            elif text is not None:
                named[language] = text
        node.close()
        return named

    def child(self, name: str) -> "Node | None":
        """The object of that name, or None where it is left out."""
        return Node(self._take(name), self._at(name), self.faults) if name in self._content else None

    def require_child(self, name: str) -> "Node":
        """The object of that name."""
        found = self.child(name)
        if found is None:
            self._note(name, "is required")
        return found or Node({}, self._at(name), [])

    def children(self, name: str, most: int) -> list["Node"]:
        """The objects in the list of that name; none where it is left out."""
        found = self._list(name)
        if len(found) > most:
            self._note(name, f"has at most {most} entries")
        return [Node(each, f"{self._at(name)}.{i}", self.faults) for i, each in enumerate(found[:most])]

    def members(self, name: str) -> Iterator[tuple[str, "Node"]]:
        """The objects in the object of that name, each with its key; none where it is left out."""
        if (node := self.child(name)) is None:
            return
        if len(node._content) > MAX_ENTRIES:
            self._note(name, f"has at most {MAX_ENTRIES} entries")
        for key in list(node._content)[:MAX_ENTRIES]:
            if (fault := _fault_of_text(key)) is not None:
                node.fault(key, fault)
            yield key, Node(node._content[key], node._at(key), self.faults)

    def close(self) -> None:
        """Note every member that nobody took."""
        for name in self._content:
            if name not in self._taken:
                self._note(str(name), "is unknown here")

    def _list(self, name: str) -> list[Any]:
        if name not in self._content:
            return []
        found = self._take(name)
        if not isinstance(found, list):
            self._note(name, "is a list")
            return []
        return found

    def _take(self, name: str) -> Any:
        self._taken.add(name)
        return self._content.get(name)

    def _note(self, name: str, message: str) -> None:
        self.faults.append((self._at(name), message))

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def _fault_of_text(text: object) -> str | None:
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        return f"is a text of 1 to {MAX_TEXT} characters"
    return None
