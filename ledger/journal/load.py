"""Load: lock the holders of a batch and read what its commands may see, in a fixed number of statements.

Nothing of a holder is read before its row is locked: under READ COMMITTED each statement sees what was
committed when it began, so a read begun before the lock was granted could be of the past. Statements that
need no answer of one another travel together (a pipeline), and the server still runs them in order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString

from psycopg.errors import SerializationFailure
from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.lots import Standing
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.program import Program
from ledger.accounts.tiers import TierState
from ledger.clock import FAR_FUTURE
from ledger.ids import FUND_PREFIX, holder_id
from ledger.journal import families, limiting, tiering, wire
from ledger.journal.asking import Driver, Row, ask, driver_of, uuids
from ledger.journal.beside import (
    ask_facts,
    ask_quotes,
    ask_unsettled,
    ask_usages,
    count_visits,
    facts_in,
    quotes_in,
    read_chains,
    referrals_in,
    take_turn,
    uncounted,
    usages_in,
    with_referrers,
)
from ledger.journal.commands import Claim, Command, Recorded, Request
from ledger.journal.families import MembersMerged
from ledger.journal.loaded import Loaded
from ledger.journal.locks import ask_holders, ask_stamp, is_on_cluster
from ledger.journal.lot_reading import read_lots
from ledger.journal.outcomes import restore
from ledger.journal.wants import Wants, together

_OUTCOMES: LiteralString = """
SELECT key, fingerprint, code, answer, request_id, uuid_send(entry_id)
  FROM outcomes WHERE program_id = %b AND key = ANY(%b)
"""

# Names of the wanted kinds that nobody has asked for are dropped: pairs would be compared one by one.
_CLAIMS: LiteralString = """
SELECT kind, reference, uuid_send(entry_id), uuid_send(holder_id)
  FROM business_references WHERE program_id = %b AND kind = ANY(%b) AND reference = ANY(%b)
"""

# Whose program it is, is looked at when it is read: asked for, it might be where the search begins.
_TARGETS: LiteralString = """
SELECT uuid_send(e.entry_id), uuid_send(e.holder_id), uuid_send(e.peer_holder_id), h.program_id
  FROM entries e JOIN holders h USING (holder_id) WHERE e.entry_id = ANY(%b)
"""

_RECORDED: LiteralString = """
SELECT uuid_send(e.entry_id), uuid_send(e.holder_id), e.kind, e.effective_at, e.reference,
       uuid_send(e.parent_entry_id), uuid_send(e.peer_holder_id), e.details,
       p.debit, p.credit, p.amount, uuid_send(p.lot_id), p.available_at, p.expires_at, p.rolling
  FROM entries e LEFT JOIN postings p USING (entry_id, holder_id)
 WHERE e.entry_id IN (
       SELECT entry_id FROM entries WHERE entry_id = ANY(%b)
       UNION ALL SELECT entry_id FROM entries WHERE parent_entry_id = ANY(%b))
 ORDER BY e.entry_id, p.ordinal
"""


class StaleProgramError(Exception):
    """The program has changed since the caller was admitted to it: admit him again, and post again."""


def load_meant(
    connection: Connection, program: Program, requests: Sequence[Request], now: datetime, **how: bool
) -> tuple[Loaded, Sequence[Request]]:
    """What the requests see (``load``), and the requests for those who are meant: who was merged is the survivor.

    The rows that are locked stay so while it is read again with others; out of the order of ids, so two such batches
    may meet, and one of them runs again.
    """
    beside: frozenset[bytes] = frozenset()
    while True:
        try:
            return load(connection, program, requests, now, beside=beside, **how), requests
        except MembersMerged as merged:
            beside |= merged.survivors
            requests = [meant(request, merged.names) for request in requests]


def meant(request: Request, names: Mapping[str, str]) -> Request:
    """The request for those who are meant by the names that it gives."""
    command = request.command
    return request._replace(command=command.renamed(names)) if names.keys() & command.people else request


def load(
    connection: Connection,
    program: Program,
    requests: Sequence[Request],
    now: datetime,
    *,
    fresh: bool = False,
    with_histories: bool = False,
    beside: frozenset[bytes] = frozenset(),
) -> Loaded:
    """Lock and read for a batch. Locks the row of every holder that it may change, in id order, and those ``beside``.

    ``fresh`` raises StaleProgramError unless ``program`` is as the database has it now. ``with_histories`` reads the
    growth of every holder from its beginning, beside those who are seen to need it. Raises MembersMerged where other
    members are meant than those who are named, or must be locked beside them.
    """
    driver, is_cluster = driver_of(connection), is_on_cluster(connection)
    commands = [request.command for request in requests]
    claimed = [claim for command in commands if (claim := command.claim)]
    wants = together(command.wants(program, now) for command in commands)
    with driver.pipeline():
        stamped = ask_stamp(driver, program, is_cluster)
        targets = _resolve_targets(driver, program, commands)
        wants = limiting.with_limits(wants, program, requests, targets, now)
        named = _named(program, commands, wants)
        take_turn(driver, program, wants)
        unsettled = referrals_in(ask_unsettled(driver, program, wants))
        wants = with_referrers(program, wants, unsettled.values())
        referrers = [referral.referrer_holder_id for referral in unsettled.values()]
        # One round trip from here. The server takes one after the other: once it has locked the holders,
        # nobody else changes them.
        locked = ask_holders(driver, _to_lock(named, targets, [*referrers, *beside]), is_cluster)
        answered = _ask_outcomes(driver, program, requests)
        taken = _ask_claims(driver, program, claimed)
        recorded = _ask_recorded(driver, [entry for entry, _ in targets.values()])
        used = ask_usages(driver, wants)
        quoted = ask_quotes(driver, wants, now)
        facts = ask_facts(driver, program, wants)
        still_unsettled = ask_unsettled(driver, program, wants)
        chains = read_chains(driver, program, wants)
    if fresh and [row[0] for row in stamped] != [program.stamp]:
        raise StaleProgramError(program.name)
    holders = _enrolled(program, named, {row[0]: _holder(row) for row in locked})
    loaded = Loaded(
        holders=holders,
        outcomes={row[0]: (row[1], restore(*row[2:])) for row in answered},
        claims=_claims(taken, claimed),
        recorded=_recorded(recorded),
        asked_at=now,
        # Versions of a holder never run against time, whatever this machine's clock does.
        now=max([now, *(h.recorded_at for h in holders.values() if h.recorded_at)]),
        usages=usages_in(used),
        facts=facts_in(facts),
        referrals=chains | unsettled,
        quotes=quotes_in(quoted),
    )
    if referrals_in(still_unsettled).keys() != unsettled.keys():
        # A member was brought by somebody just now, who is not locked, or it was settled. The rerun sees it.
        raise SerializationFailure("a referral was recorded or settled meanwhile")
    _read_merges(driver, loaded, commands, program)
    loaded.usages |= count_visits(driver, program, uncounted(wants, loaded.usages, holders))
    for (kind, name), (entry, holder) in targets.items():
        loaded.claims.setdefault((kind, name), (entry, holder))
    _give_histories(driver, program, loaded, commands, everybody=with_histories)
    read_lots(driver, loaded, holders_needing_lots(program, commands, loaded))
    return loaded


def _give_histories(
    driver: Driver, program: Program, loaded: Loaded, commands: Sequence[Command], *, everybody: bool
) -> None:
    holders, ladders, late = loaded.holders, ladders_of(program), set[bytes]()
    if everybody:
        late = set(holders)
    elif ladders.any:
        claims = loaded.claims
        late = tiering.holders_needing_history(program, ladders, commands, holders, claims, loaded.now)
    if known := [holders[identifier] for identifier in late if not holders[identifier].is_new]:
        families.give_histories(driver, known)


def _read_merges(driver: Driver, loaded: Loaded, commands: Sequence[Command], program: Program) -> None:
    """What is known of members who were merged, or are to be; nothing where nobody was."""
    named = [member for command in commands for member in command.people]
    for command in commands:
        if command.joins:
            pair = [holder_id(program.program_id, name) for name in command.joins]
            if all(each in loaded.holders for each in pair):
                loaded.joining[command.joins] = families.read_join(driver, *pair)
    if any(holder.merged_into for holder in loaded.holders.values()):
        families.look_up(driver, loaded.holders, named)
        loaded.merged = families.read_merged(driver, loaded.holders)


def _resolve_targets(
    driver: Driver, program: Program, commands: Iterable[Command]
) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    """Entry and holder of every target that the books have. What an entry is never changes, so this reads unlocked."""
    wanted = {(t.kind, t.name) for t in (command.target for command in commands) if t}
    if not wanted:
        return {}
    claims = [Claim(*w) for w in wanted if w[0] != "entry"]
    found = _claims(_ask_claims(driver, program, claims), claims)
    ids = [bytes.fromhex(name) for kind, name in wanted if kind == "entry" and name]
    ids += [entry for entry, _ in found.values()]
    peers: dict[bytes, bytes] = {}
    for entry, holder, peer, number in ask(driver, _TARGETS, uuids(ids)):
        if number != program.program_id:
            continue
        found["entry", entry.hex()] = (entry, holder)
        if peer is not None:
            peers[entry] = peer
    # A transfer has a second holder, who must be locked as well.
    for entry, peer in peers.items():
        found["peer", entry.hex()] = (entry, peer)
    return found


def _named(program: Program, commands: Iterable[Command], wants: Wants) -> list[tuple[bytes, str, bool]]:
    """The holders that the commands name: id, name, and whether it is enrolled when it is unknown."""
    number = program.program_id
    named = [(holder_id(number, m), m, command.enrols) for command in commands for m in command.members]
    named += [(holder_id(number, name), name, not name.startswith(FUND_PREFIX)) for name in wants.others]
    return named


def _to_lock(
    named: Iterable[tuple[bytes, str, bool]],
    targets: dict[tuple[str, str], tuple[bytes, bytes]],
    referrers: Iterable[bytes],
) -> list[bytes]:
    wanted = {identifier for identifier, _, _ in named} | {holder for _, holder in targets.values()}
    return sorted(wanted.union(referrers))


def _enrolled(
    program: Program, named: Iterable[tuple[bytes, str, bool]], holders: dict[bytes, Holder]
) -> dict[bytes, Holder]:
    """The holders, and those that commands of this batch may enrol.

    Written only if something is posted. Two batches may both take a member for new: the primary key lets
    one of them through, and the other runs again.
    """
    for identifier, member, enrols in named:
        if enrols and identifier not in holders:
            holders[identifier] = Holder(identifier, program.program_id, member, is_new=True)
    return holders


def _ask_outcomes(driver: Driver, program: Program, requests: Sequence[Request]) -> Iterable[Row]:
    keys = [request.key for request in requests if request.key]
    return ask(driver, _OUTCOMES, program.program_id, wire.Texts.of_values(keys)) if keys else ()


def _ask_claims(driver: Driver, program: Program, claims: Sequence[Claim]) -> Iterable[Row]:
    if not claims:
        return ()
    kinds, names = zip(*claims, strict=True)
    texts = wire.Texts.of_values
    return ask(driver, _CLAIMS, program.program_id, texts(sorted(set(kinds))), texts(names))


def _claims(rows: Iterable[Row], asked: Iterable[Claim]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    wanted: set[tuple[str, str]] = set(asked)
    return {(kind, name): (entry, holder) for kind, name, entry, holder in rows if (kind, name) in wanted}


def _ask_recorded(driver: Driver, entry_ids: list[bytes]) -> Iterable[Row]:
    ids = uuids(entry_ids)
    return ask(driver, _RECORDED, ids, ids) if entry_ids else ()


def _recorded(rows: Iterable[Row]) -> dict[bytes, Recorded]:
    recorded: dict[bytes, Recorded] = {}
    for _, group in groupby(rows, key=lambda row: row[0]):
        found = list(group)
        identifier, holder, kind, effective_at, reference, parent, peer, details, *_ = found[0]
        entry = Recorded(
            identifier, holder, kind, effective_at, reference, parent, peer, details or {}, postings=[]
        )
        entry.postings = [_posting(entry, row) for row in found if row[8] is not None]
        recorded[entry.entry_id] = entry
    for entry in recorded.values():
        if entry.parent_entry_id in recorded:
            recorded[entry.parent_entry_id].children.append(entry)
    return recorded


def _posting(entry: Recorded, row: tuple[Any, ...]) -> Posting:
    debit, credit, amount, lot, available_at, expires_at, rolling = row[8:]
    opens = available_at and Opening(entry.effective_at, available_at, expires_at, rolling)
    return Posting(Account(debit), Account(credit), amount, lot, opens)


def holders_needing_lots(program: Program, commands: Sequence[Command], loaded: Loaded) -> list[bytes]:
    """Those whose lots a command must see, whose standing the clock has overtaken, or who owe points."""
    needing = {
        holder.holder_id
        for holder in loaded.holders.values()
        if holder.debt or loaded.now >= holder.standing.fresh_until
    }
    for command in commands:
        if command.needs_lots(program):
            needing.update(holder_id(program.program_id, member) for member in command.members)
            target = command.target
            if target and (target.kind, target.name) in loaded.claims:
                entry = loaded.claims[target.kind, target.name][0]
                needing.update(h for e, h in loaded.claims.values() if e == entry)
            elif target:
                # Its target may be decided earlier in this very batch.
                needing.update(loaded.holders)
        if command.joins:
            needing.update(loaded.holders)
    for merged in loaded.merged.values():
        needing.update((merged.duplicate, merged.survivor))
    if (ladders := ladders_of(program)).any:
        needing |= tiering.holders_needing_lots(ladders, commands, loaded.holders, loaded.now)
    return [identifier for identifier in needing if identifier in loaded.holders]


def _holder(row: tuple[Any, ...]) -> Holder:
    (identifier, program_id, member_id, version, head, recorded_at, points, held, debt, growth) = row[:10]
    available, pending, growth_value, next_at, next_points, fresh_until, settled_at, *tier, locks, into = row[
        10:
    ]
    standing = Standing(available, pending, growth_value, next_at, next_points, fresh_until or FAR_FUTURE)
    holder = Holder(
        identifier, program_id, member_id, version, head, recorded_at, points, held, debt, growth, standing
    )
    holder.locks, holder.merged_into = locks, into
    if settled_at is not None:
        code, *settled = tier
        holder.tier = TierState._make((code or "", *settled, settled_at))
    return holder
