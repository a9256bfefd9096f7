"""Conditions: typed expressions in CEL over the published variables, checked when they are saved.

What is saved has a bounded cost: loops stand in no other loop and read no further list, nothing grows in a
loop, patterns are constant. What fails when it is evaluated (an overflow, a division by zero, a missing key)
fails closed, by itself, and is reported.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from ledger.rules.variables import BOOL, INT, LIST, MAP, STRING, VARIABLES, Variable

__all__ = ["VARIABLES", "Condition", "ConditionError", "Conditions", "Variable", "check"]

MAX_LENGTH = 1_000
MAX_LOOPS = 8
"""Loops of one condition. A purchase has 500 lines at most and the evaluator stops after 10,000 turns."""
MAX_PATTERN = 100
_CHUNK = 100
"""Conditions evaluated as one expression. A thousand work; what one failure costs grows with the number."""

_TYPES: Final = {
    INT: cel.Type.INT,
    STRING: cel.Type.STRING,
    BOOL: cel.Type.BOOL,
    LIST: cel.Type.List(cel.Type.STRING),
    MAP: cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
}
_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<string>[rR]?(?:'{3}|"{3}) | [rR]"[^"\n]*" | [rR]'[^'\n]*' | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<number>[0-9][A-Za-z0-9_.]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LOOPS = frozenset({"all", "exists", "exists_one", "filter"})
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class ConditionError(ValueError):
    """A condition that cannot be saved: what is wrong with it, and where (``line`` and ``column`` from 1)."""

    def __init__(self, message: str, source: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{message} at {line}:{column}")
        self.message = message
        self.source = source
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked, and the variables that it reads."""

    source: str
    variables: frozenset[str]


@lru_cache(maxsize=4_096)
def check(source: str, scope: str = "event") -> Condition:
    """The condition, typed against the variables of its scope; ``ConditionError`` for what may not be saved."""
    if len(source) > MAX_LENGTH:
        raise ConditionError(f"a condition has at most {MAX_LENGTH} characters", source)
    if any("\ud800" <= character <= "\udfff" for character in source):
        raise ConditionError("a condition is text, without halves of characters", source)
    kind = _compile(source, source, scope).return_type()
    if kind != cel.Type.BOOL:
        raise ConditionError(f"a condition is true or false (bool), this is {kind.name().lower()}", source)
    tokens = _tokens(source)
    _check_loops(source, tokens)
    _check_patterns(source, tokens, scope)
    # It will stand in a list with others: what is nested too deep for that is refused here.
    _compile(_listed([source]), source, scope)
    names = {variable.name for variable in VARIABLES}
    return Condition(
        source, frozenset(name for token in tokens for name in _prefixes(token) if name in names)
    )


class Conditions:
    """Conditions that are evaluated together, which costs a fifth of one by one."""

    def __init__(self, sources: Sequence[str], scope: str = "event") -> None:
        self.variables = frozenset[str]().union(*(check(source, scope).variables for source in sources))
        self._environment = _environment(scope)
        self._chunks = [_Chunk(sources[i : i + _CHUNK], scope) for i in range(0, len(sources), _CHUNK)]

    def verdicts(self, values: Mapping[str, Any]) -> list[bool | str]:
        """For each condition whether it holds, or in words how it failed; what failed does not hold."""
        try:
            activation = self._environment.Activation(values)
        except RuntimeError as error:
            # A value that the expressions cannot carry, such as an attribute of 2^64.
            return [_plainly(str(error))] * sum(chunk.size for chunk in self._chunks)
        if len(self._chunks) == 1:
            return self._chunks[0].verdicts(activation)
        return [verdict for chunk in self._chunks for verdict in chunk.verdicts(activation)]


class _Chunk:
    def __init__(self, sources: Sequence[str], scope: str) -> None:
        self.size = len(sources)
        self._scope = scope
        self._sources = sources
        self._together = _environment(scope).compile(_listed(sources))

    def verdicts(self, activation: cel.Activation) -> list[bool | str]:
        try:
            together = self._together.eval(activation).plain_value()
        except RuntimeError:
            # Together they exceeded the budget of one expression.
            together = None
        if isinstance(together, list):
            return together
        return [self._alone(source, activation) for source in self._sources]

    def _alone(self, source: str, activation: cel.Activation) -> bool | str:
        try:
            value = _compiled(source, self._scope).eval(activation)
        except RuntimeError as error:
            return _plainly(str(error))
        plain = value.plain_value()
        return plain if isinstance(plain, bool) else _plainly(str(plain))


@lru_cache(maxsize=2)
def _environment(scope: str) -> cel.Env:
    return cel.NewEnv(
        variables={variable.name: _TYPES[variable.type] for variable in VARIABLES if variable.scope == scope}
    )


@lru_cache(maxsize=1_024)
def _compiled(source: str, scope: str) -> cel.Expression:
    return _environment(scope).compile(source)


def _listed(sources: Iterable[str]) -> str:
    # A line break ends a comment at the end of a condition, which would swallow the bracket.
    return "[" + ",".join(f"({source}\n)" for source in sources) + "]"


def _compile(expression: str, source: str, scope: str) -> cel.Expression:
    try:
        return _environment(scope).compile(expression)
    except RuntimeError as error:
        found = _PLACE.search(str(error))
        if found is None:
            raise ConditionError(_plainly(str(error)), source) from error
        message = found[3].replace(" (in container '')", "")
        raise ConditionError(message, source, int(found[1]), int(found[2])) from error


def _plainly(message: str) -> str:
    """The library's words without its codes: ``INVALID_ARGUMENT: divide by zero [INVALID_ARGUMENT]``."""
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", message.splitlines()[0] if message else "no reason given")


class _Token(str):
    """A piece of a condition: its kind and where it begins, beside its text."""

    kind: str
    start: int


def _tokens(source: str) -> list[_Token]:
    tokens = []
    for found in _TOKEN.finditer(source):
        if found.lastgroup == "space":
            continue
        text = re.sub(r"\s", "", found[0]) if found.lastgroup == "word" else found[0]
        token = _Token(text)
        token.kind, token.start = found.lastgroup or "", found.start()
        # What is lexed in ways of its own is not offered, so that nothing can hide from the checks below.
        if token.kind == "string" and token.endswith(("'''", '"""')):
            raise _refusal("a text stands between single marks", source, token.start)
        if token.kind == "word" and source[found.end() : found.end() + 1] in {"'", '"'}:
            raise _refusal("a condition reads no bytes", source, token.start)
        tokens.append(token)
    return tokens


def _check_loops(source: str, tokens: list[_Token]) -> None:
    """Refuse what could cost more than its budget: loops in loops, lists read in loops, and ``map``."""
    ends, loops = list[str](), 0
    depth_of_loop: int | None = None
    for token, following in zip(tokens, [*tokens[1:], _Token("")], strict=True):
        name = token.rpartition(".")[2] if token.kind == "word" else ""
        calls = following == "("
        if name == "map" and calls:
            raise _refusal("map is not offered: a condition is true or false", source, token.start)
        if depth_of_loop is not None and (fault := _fault_in_loop(token, name, calls=calls)):
            raise _refusal(fault, source, token.start)
        if name in _LOOPS and calls:
            loops, depth_of_loop = loops + 1, len(ends)
        ends, depth_of_loop = _nest(ends, token, depth_of_loop)
    if loops > MAX_LOOPS:
        raise ConditionError(f"a condition has at most {MAX_LOOPS} loops", source)


def _fault_in_loop(token: _Token, name: str, *, calls: bool) -> str | None:
    if calls and name in _LOOPS:
        return "a loop may not stand in another loop"
    if calls and name == "matches":
        return "matches may not stand in a loop: use startsWith, endsWith or contains"
    if any(prefix in _BULKY for prefix in _prefixes(token)):
        return f"{token} may not be read in a loop"
    return None


_BULKY = frozenset(variable.name for variable in VARIABLES if variable.type in {LIST, MAP})


def _nest(ends: list[str], token: _Token, depth_of_loop: int | None) -> tuple[list[str], int | None]:
    if token in {"(", "[", "{"}:
        return [*ends, token], depth_of_loop
    if token in {")", "]", "}"}:
        return ends[:-1], None if depth_of_loop == len(ends) - 1 else depth_of_loop
    return ends, depth_of_loop


def _check_patterns(source: str, tokens: list[_Token], scope: str) -> None:
    """Refuse patterns that are not constant, too long, or no patterns: they are compiled at each evaluation."""
    for i, token in enumerate(tokens):
        if token.kind != "word" or token.rpartition(".")[2] != "matches" or tokens[i + 1 : i + 2] != ["("]:
            continue
        pattern = tokens[i + 2] if len(tokens) > i + 3 and tokens[i + 3] == ")" else None
        if pattern is None or pattern.kind != "string":
            raise _refusal("a pattern of matches is a constant text", source, token.start)
        if len(pattern) > MAX_PATTERN:
            raise _refusal(f"a pattern has at most {MAX_PATTERN} characters", source, pattern.start)
        tried = _compile(f"''.matches({pattern})", source, scope).eval(_environment(scope).Activation({}))
        if tried.type() != cel.Type.BOOL:
            raise _refusal(_plainly(str(tried.plain_value())), source, pattern.start)


def _refusal(message: str, source: str, start: int) -> ConditionError:
    before = source[:start]
    return ConditionError(message, source, before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1)


def _prefixes(token: _Token) -> list[str]:
    """``member.attributes.vip`` reads ``member.attributes``: what a word may name, by its beginnings."""
    if token.kind != "word":
        return []
    parts = token.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
