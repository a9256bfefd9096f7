"""The pieces that the page of a close pack is made of: headings in two languages, tables, figures. Pure.

Whatever comes from the books is escaped where it is put in; nothing is marked up anywhere else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final, NamedTuple

from ledger.money import exponent

MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"


class Label(NamedTuple):
    """A name in English and in Chinese."""

    english: str
    chinese: str

    def shown(self) -> str:
        """Both, the Chinese marked as such."""
        return f'{escape(self.english)} <span lang="zh-Hans">{escape(self.chinese)}</span>'


class Column(NamedTuple):
    """A column of a table: the member of a row that it shows, its head, and how (as ``Figures.write`` has it)."""

    name: str
    label: Label
    form: str = "text"


class Figures:
    """How figures of one currency are written: points and amounts with their thousands apart."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._digits = exponent(currency)

    def money(self, minor: int) -> str:
        """Minor units as major ones, with the digits that the currency has."""
        whole, part = divmod(abs(minor), 10**self._digits)
        shown = f"{whole:,}" + (f".{part:0{self._digits}d}" if self._digits else "")
        return f"{MINUS}{shown}" if minor < 0 else shown

    def write(self, value: Any, form: str, unit: str | None = None) -> str:
        """A value as a cell shows it, not escaped yet: ``text``, ``points``, ``money``, ``share``, ``decimal``.

        An ``amount`` is money where its ``unit`` is the currency, and counted otherwise.
        """
        if value is None or value == "":
            return NOTHING
        if form == "amount":
            form = "money" if unit == self.currency else "points"
        if form == "money":
            return self.money(value)
        if form == "points":
            return f"{MINUS}{-value:,}" if value < 0 else f"{value:,}"
        if form == "share":
            return share(value)
        if form == "decimal":
            return f"{Decimal(value):,}".replace("-", MINUS)
        return str(value)


def share(value: str) -> str:
    """A share with six digits after the point, as a percentage with four."""
    sign, digits = (MINUS, value[1:]) if value.startswith("-") else ("", value)
    whole, _, part = digits.partition(".")
    hundredfold = whole + part[:2].ljust(2, "0")
    return f"{sign}{hundredfold.lstrip('0') or '0'}.{part[2:].ljust(4, '0')}\N{NO-BREAK SPACE}%"


def section(name: str, label: Label, *parts: str) -> str:
    """A part of the page under a heading of its own."""
    body = "\n".join(part for part in parts if part)
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{label.shown()}</h2>\n{body}\n</section>'


def table(
    caption: Label,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    figures: Figures,
    *,
    total: Mapping[str, Any] | None = None,
) -> str:
    """A table; the first cell of a row is its head. ``total`` is a last row that stands out."""
    body = "".join(_row(row, columns, figures) for row in rows)
    foot = f"<tfoot>{_row(total, columns, figures)}</tfoot>" if total else ""
    if not rows and not total:
        body = f'<tr><td colspan="{len(columns)}">none <span lang="zh-Hans">无</span></td></tr>'
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption.english)}" tabindex="0">'
        f"<table><caption>{caption.shown()}</caption><thead><tr>{''.join(map(_head, columns))}</tr></thead>"
        f"<tbody>{body}</tbody>{foot}</table></div>"
    )


def pairs(rows: Iterable[tuple[Label, str]]) -> str:
    """Names and values, one under another."""
    return (
        "<dl>" + "".join(f"<dt>{name.shown()}</dt><dd>{escape(said)}</dd>" for name, said in rows) + "</dl>"
    )


def note(english: str, chinese: str) -> str:
    """A remark under a heading."""
    return f'<p class="note">{escape(english)} <span lang="zh-Hans">{escape(chinese)}</span></p>'


def chart(drawn: str) -> str:
    """A chart in a frame of its own, which is never cut by the end of a sheet."""
    return f"<figure>{drawn}</figure>"


def _head(column: Column) -> str:
    number = "" if column.form == "text" else ' class="number"'
    return f'<th scope="col"{number}>{column.label.shown()}</th>'


def _row(row: Mapping[str, Any], columns: Sequence[Column], figures: Figures) -> str:
    return f"<tr>{''.join(_cells(row, columns, figures))}</tr>"


def _cells(row: Mapping[str, Any], columns: Sequence[Column], figures: Figures) -> Iterator[str]:
    for place, column in enumerate(columns):
        value = row.get(column.name)
        said = (
            value.shown()
            if isinstance(value, Label)
            else escape(figures.write(value, column.form, row.get("unit")))
        )
        if place == 0:
            yield f'<th scope="row">{said}</th>'
        else:
            yield f"<td>{said}</td>" if column.form == "text" else f'<td class="number">{said}</td>'
