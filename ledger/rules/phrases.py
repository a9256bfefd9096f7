"""The parts that texts are put together from: amounts, days, exact numbers, lists."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import reduce
from typing import Final

from ledger.clock import local_date
from ledger.money import show_major
from ledger.rules.words import Text, say

_PLACES: Final = 4


def plain(code: str) -> Text:
    """A code as a text: the same in every language."""
    return {"en": code, "zh": code}


def amount_of(unit: str, number: int) -> Text:
    """``39 points``, ``39 积分``; the unit by its name."""
    return say(f"{unit}.one" if number == 1 else f"{unit}.many", number=number)


def money_of(amount: int, currency: str) -> Text:
    """Minor units as people read them: ``39.50 CNY``."""
    return say("money", amount=show_major(amount, currency), currency=currency)


def number_of(number: Fraction) -> str:
    """A number in decimals: exact where four places hold it, else cut there and followed by ``…``."""
    scaled, rest = divmod(number.numerator * 10**_PLACES, number.denominator)
    whole, decimals = divmod(scaled, 10**_PLACES)
    if rest:
        return f"{whole}.{decimals:0{_PLACES}d}…"
    return f"{whole}.{decimals:0{_PLACES}d}".rstrip("0").rstrip(".")


def ratio_of(ratio: Fraction) -> str:
    """A factor, always exact: in decimals where four places hold it, else as a fraction."""
    shown = number_of(ratio)
    return f"{ratio.numerator}/{ratio.denominator}" if shown.endswith("…") else shown


def day_of(instant: datetime, timezone: str) -> Text:
    """The local day of an instant."""
    return date_of(local_date(instant, timezone))


def last_day_of(end: datetime, timezone: str) -> Text:
    """The last local day before an end: what ends at midnight is there to the end of the day before."""
    return day_of(end - timedelta(microseconds=1), timezone)


def date_of(day: date) -> Text:
    """``30 November 2027``, ``2027年11月30日``."""
    return say("day", day=day.day, month=say(f"month.{day.month}"), year=day.year)


def listed(texts: Iterable[Text]) -> Text:
    """Texts in a row: ``a, b, c``, ``a、b、c``."""
    return reduce(lambda before, after: say("list.two", before=before, after=after), texts)


def clauses(texts: Sequence[Text]) -> Text:
    """Clauses in one text: ``a; b``, ``a；b``."""
    return reduce(lambda before, after: say("list.clauses", before=before, after=after), texts)
