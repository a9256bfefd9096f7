"""What a command must see beside the books of its members: usages, facts, and who brought whom."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import LiteralString

from ledger.accounts.holder import Holder
from ledger.accounts.program import Program
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.clock import local_date
from ledger.ids import holder_id
from ledger.journal import wire
from ledger.journal.asking import Driver, Row, ask, uuids
from ledger.journal.commands import MemberRow, Referral
from ledger.journal.wants import VISITS, Usage, UsageKey, Wants, each_once

_USAGES: LiteralString = """
SELECT uuid_send(u.holder_id), u.subject, u.period, u.amount, u.times
  FROM unnest(%b, %b, %b) AS wanted (holder_id, subject, period)
  JOIN usages u USING (holder_id, subject, period)
"""

_FACTS: LiteralString = """
SELECT uuid_send(h.holder_id), h.region, h.store, h.enrolled_at, a.attributes
  FROM holders h LEFT JOIN member_attributes a USING (holder_id) WHERE h.holder_id = ANY(%b)
"""

_PURCHASES: LiteralString = """
SELECT uuid_send(holder_id), count(*), max(effective_at)
  FROM entries WHERE holder_id = ANY(%b) AND kind = 'earn' GROUP BY holder_id
"""

_REFERRALS: LiteralString = """
SELECT uuid_send(holder_id), uuid_send(referrer_holder_id), referrer_id, uuid_send(activity_entry_id),
       uuid_send(settled_entry_id)
  FROM referrals WHERE holder_id = ANY(%b)
"""

_UNSETTLED: LiteralString = _REFERRALS + " AND settled_entry_id IS NULL"

_QUOTE_COLUMNS: LiteralString = """
uuid_send(q.holder_id), uuid_send(q.quote_id), q.points, q.points_value, q.price, q.made_at, q.expires_at,
q.rate_version, uuid_send(q.used_entry_id), q.store, q.sku
"""

_QUOTES: LiteralString = (
    "SELECT "
    + _QUOTE_COLUMNS
    + " FROM unnest(%b, %b) AS w (holder_id, quote_id) JOIN quotes q USING (holder_id, quote_id)"
)

_OPEN_QUOTES: LiteralString = (
    "SELECT "
    + _QUOTE_COLUMNS
    + " FROM quotes q WHERE q.holder_id = ANY(%b) AND q.used_entry_id IS NULL AND q.expires_at > %b"
)

_TURN: LiteralString = "SELECT pg_advisory_xact_lock(%s, %s)"
_REFERRAL_TURNS = 0x7265_6665  # "refe"


def take_turn(driver: Driver, program: Program, wants: Wants) -> None:
    """Take the program's turn where that is wanted: no other batch that wants it goes on until this one has ended."""
    if wants.is_serial:
        ask(driver, _TURN, _REFERRAL_TURNS, program.program_id)


def read_chains(driver: Driver, program: Program, wants: Wants) -> dict[bytes, Referral]:
    """Who brought whom, up the chain, by who was brought; a round trip a link.

    Whoever has the turn is told of links that stay as they are. A chain has no circle, and would be read to its
    end if it had one.
    """
    chains: dict[bytes, Referral] = {}
    lowest = {holder_id(program.program_id, member) for member in wants.referrals}
    while lowest:
        links = referrals_in(ask(driver, _REFERRALS, uuids(lowest)))
        chains |= links
        lowest = {referral.referrer_holder_id for referral in links.values()} - chains.keys()
    return chains


def with_referrers(program: Program, wants: Wants, unsettled: Iterable[Referral]) -> Wants:
    """What is wanted, with what is wanted of the referrers, now that they are known.

    Members named in ``referrals`` may become somebody's referrers within this very batch.
    """
    if not wants.of_referrers:
        return wants
    names = each_once([tuple(referral.referrer_id for referral in unsettled), wants.referrals])
    keys = tuple(
        (holder_id(program.program_id, name), *of_what) for name in names for of_what in wants.of_referrers
    )
    return wants._replace(usages=each_once([wants.usages, keys]), facts=each_once([wants.facts, names]))


def ask_usages(driver: Driver, wants: Wants) -> Iterable[Row]:
    """The usages wanted, under way."""
    if not wants.usages:
        return ()
    holders, subjects, periods = zip(*wants.usages, strict=True)
    texts = wire.Texts.of_values
    return ask(driver, _USAGES, uuids(holders), texts(subjects), texts(periods))


def ask_facts(driver: Driver, program: Program, wants: Wants) -> Iterable[Row]:
    """The facts wanted, under way."""
    return _ask_members(driver, program, _FACTS, wants.facts)


def ask_unsettled(driver: Driver, program: Program, wants: Wants) -> Iterable[Row]:
    """The referrals wanted that are still to be settled, under way."""
    return _ask_members(driver, program, _UNSETTLED, wants.unsettled)


def ask_quotes(driver: Driver, wants: Wants, now: datetime) -> Iterable[Row]:
    """The quotes wanted, under way; those wanted by their holder as far as they are open at ``now``."""
    rows: list[Iterable[Row]] = []
    if wants.quotes:
        holders, ids = zip(*wants.quotes, strict=True)
        rows.append(ask(driver, _QUOTES, uuids(holders), uuids(ids)))
    if wants.quoted:
        rows.append(ask(driver, _OPEN_QUOTES, uuids(wants.quoted), now))
    return chain.from_iterable(rows)


def quotes_in(rows: Iterable[Row]) -> dict[QuoteKey, Quote]:
    """Quotes by what they are found by."""
    return {quote.key: quote for quote in (Quote(*row) for row in rows)}


def usages_in(rows: Iterable[Row]) -> dict[UsageKey, Usage]:
    """Usages by what they are of; what nothing was used of is left out."""
    return {
        (holder, subject, period): Usage(amount, times) for holder, subject, period, amount, times in rows
    }


def uncounted(wants: Wants, usages: Mapping[UsageKey, Usage], holders: Mapping[bytes, Holder]) -> list[bytes]:
    """Members whose visits are wanted and were never counted, though they have entries."""
    return [
        key[0]
        for key in wants.usages
        if key[1] == VISITS and key not in usages and (holder := holders.get(key[0])) and holder.version
    ]


def count_visits(driver: Driver, program: Program, holder_ids: Sequence[bytes]) -> dict[UsageKey, Usage]:
    """The visits of locked members from their entries; once in the life of each."""
    if not holder_ids:
        return {}
    rows = ask(driver, _PURCHASES, uuids(holder_ids))
    return {
        (holder, VISITS, ""): Usage(local_date(last, program.timezone).toordinal(), times)
        for holder, times, last in rows
    }


def facts_in(rows: Iterable[Row]) -> dict[bytes, MemberRow]:
    """Facts by holder."""
    return {row[0]: MemberRow(row[1], row[2], row[3], row[4] or {}) for row in rows}


def referrals_in(rows: Iterable[Row]) -> dict[bytes, Referral]:
    """Referrals by the holder of who was brought."""
    return {row[0]: Referral(*row[1:]) for row in rows}


def _ask_members(
    driver: Driver, program: Program, statement: LiteralString, members: Sequence[str]
) -> Iterable[Row]:
    ids = [holder_id(program.program_id, member) for member in members]
    return ask(driver, statement, uuids(ids)) if ids else ()
