"""What a command must see beyond its members' books and its target: it says so before anything is read."""

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from ledger.accounts.quotes import QuoteKey

UsageKey = tuple[bytes, str, str]
"""Whose, of what, in which period: a holder, a subject and a period, both in the rules' own names."""


class Usage(NamedTuple):
    """How much of something a holder has used in a period, and how often."""

    amount: int = 0
    times: int = 0


UNUSED = Usage()

VISITS = "visits"
"""The subject of a member's purchases: how often, and the local day of the last one as an ordinal. Whoever has
bought before anybody counted is counted from the books."""


class Use(NamedTuple):
    """What a decision adds to a usage."""

    key: UsageKey
    amount: int
    times: int


def count_up(usages: dict[UsageKey, Usage], uses: Iterable[Use]) -> None:
    """Add uses to the usages that they are of."""
    for key, amount, times in uses:
        used = usages.get(key, UNUSED)
        usages[key] = Usage(used.amount + amount, used.times + times)


class Wants(NamedTuple):
    """What a command must see beyond its members' books and its target."""

    usages: tuple[UsageKey, ...] = ()
    others: tuple[str, ...] = ()
    """Names of further holders to lock, such as a fund. An operator is enrolled where it is unknown; a fund is not."""
    facts: tuple[str, ...] = ()
    """Members whose facts it must see."""
    referrals: tuple[str, ...] = ()
    """Members of whom it must see who brought them, and who brought those."""
    unsettled: tuple[str, ...] = ()
    """Members of whom it must see who brought them, unless that is settled; their referrers are locked as well."""
    of_referrers: tuple[tuple[str, str], ...] = ()
    """Subject and period of usages that it must see of whoever brought the unsettled; of those facts, too."""
    quotes: tuple[QuoteKey, ...] = ()
    """Quotes that it must see."""
    quoted: tuple[bytes, ...] = ()
    """Holders of whom it must see every quote that is open."""
    is_serial: bool = False
    """Whether no other such command of the program may be under way: it reads what no holder's lock guards."""


NOTHING = Wants()


def together(each: Iterable[Wants]) -> Wants:
    """What several want, as one."""
    wants = [one for one in each if one is not NOTHING]
    if not wants:
        return NOTHING
    return Wants(
        usages=each_once(one.usages for one in wants),
        others=each_once(one.others for one in wants),
        facts=each_once(one.facts for one in wants),
        referrals=each_once(one.referrals for one in wants),
        unsettled=each_once(one.unsettled for one in wants),
        of_referrers=each_once(one.of_referrers for one in wants),
        quotes=each_once(one.quotes for one in wants),
        quoted=each_once(one.quoted for one in wants),
        is_serial=any(one.is_serial for one in wants),
    )


def each_once(lists: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    """All that stands in the lists, in order, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(lists)))
