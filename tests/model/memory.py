"""Books kept in dictionaries: the journal's own decisions, with nothing but memory below them.

Loads what ``ledger.journal.load`` would load and keeps what ``ledger.journal.write`` would write, column by
column; so what a batch forgets to write is forgotten here as well.
"""

import json
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from ledger.accounts.growth_history import LotChange
from ledger.accounts.growth_history import together as grown_together
from ledger.accounts.holder import Hold, Holder
from ledger.accounts.ladders import BEGINNING, ladders_of
from ledger.accounts.lots import Lot
from ledger.accounts.merges import Merged
from ledger.accounts.program import Program, TermsVersion
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.accounts.tracking import HistoryMissing
from ledger.clock import local_date
from ledger.ids import FUND_PREFIX, holder_id
from ledger.journal import Outcome, Request
from ledger.journal.beside import uncounted, with_referrers
from ledger.journal.commands import Command, MemberRow, Recorded, Referral
from ledger.journal.families import meant_by, with_moves
from ledger.journal.limiting import with_limits
from ledger.journal.load import holders_needing_lots, meant
from ledger.journal.loaded import Join, Loaded
from ledger.journal.outcomes import restore, stored_form
from ledger.journal.post import decide_batch
from ledger.journal.tiering import holders_needing_history
from ledger.journal.wants import VISITS, Usage, UsageKey, Wants, together
from ledger.journal.write import Written
from tests.model.books import growth_in, holder_row, lot_row, moves_in
from tests.model.driver import Answer, answer_of
from tests.model.snapshot import (
    EntryRow,
    HoldRow,
    QuoteRow,
    Snapshot,
    entry_row,
    posting_row,
)

TierRow = tuple[Any, ...]
Stored = tuple[bytes, str | None, bytes, str, bytes | None]


class MemoryDriver:
    """A program's books in memory. Entry ids count up from 1, so every run is the same."""

    clock_may_go_back = True
    takes_expiry = True
    takes_adjustments = True
    may_change_terms = True

    def __init__(self, program: Program) -> None:
        self.program = program
        self.holders: dict[bytes, Holder] = {}
        self.lots: dict[bytes, dict[bytes, Lot]] = {}
        self.entries: dict[bytes, Recorded] = {}
        self.children: dict[bytes, list[bytes]] = {}
        self.rows: list[EntryRow] = []
        self.claims: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        self.outcomes: dict[str, Stored] = {}
        self.usages: dict[UsageKey, Usage] = {}
        self.facts: dict[bytes, MemberRow] = {}
        self.referrals: dict[bytes, Referral] = {}
        self.tier_events: dict[bytes, list[TierRow]] = {}
        self.entitlements: dict[tuple[bytes, str, str], TierRow] = {}
        self.holds: dict[bytes, dict[bytes, Hold]] = {}
        """Those that are open."""
        self.hold_rows: dict[bytes, dict[bytes, HoldRow]] = {}
        """All of them."""
        self.quotes: dict[QuoteKey, Quote] = {}
        self.merges: dict[bytes, Merged] = {}
        """Those that stand, by the duplicate."""
        self._numbers = count(1)

    def new_entry_id(self) -> bytes:
        return next(self._numbers).to_bytes(14, "big") + b"\0\0"

    def post(
        self, requests: Sequence[Request], *, now: datetime, atomic: bool = False, dry_run: bool = False
    ) -> list[Answer]:
        decide = partial(
            decide_batch, self.program, dry_run=dry_run, atomic=atomic, entry_ids=self.new_entry_id
        )
        loaded, requests = self._load_meant(requests, now)
        try:
            outcomes, written = decide(loaded, requests)
        except HistoryMissing:
            loaded, requests = self._load_meant(requests, now)
            self._give_histories(loaded, loaded.holders)
            outcomes, written = decide(loaded, requests)
        if written is not None:
            self._write(loaded, written)
        return [answer_of(outcome) for outcome in outcomes]

    def change_terms(self, terms: dict[str, Any], now: datetime) -> None:
        program, text, version = self.program, json.dumps(terms), self.program.terms_version + 1
        first = TermsVersion(program.terms_version, BEGINNING, program.terms)
        versions = (*(program.rules.terms or (first,)), TermsVersion(version, now, text))
        rules = replace(program.rules, terms=versions)
        self.program = replace(program, terms=text, terms_version=version, rules=rules)

    # --- load ------------------------------------------------------------------------------------

    def _load_meant(self, requests: Sequence[Request], now: datetime) -> tuple[Loaded, Sequence[Request]]:
        beside: frozenset[bytes] = frozenset()
        while True:
            loaded = self._load(requests, now, beside)
            named = [member for request in requests for member in request.command.people]
            wanted, missing = meant_by(loaded.holders, named)
            if not wanted and not missing:
                return loaded, requests
            names = {name: self.holders[survivor].member_id for name, survivor in wanted.items()}
            requests, beside = [meant(request, names) for request in requests], beside | missing

    def _load(
        self, requests: Sequence[Request], now: datetime, beside: frozenset[bytes] = frozenset()
    ) -> Loaded:
        commands = [request.command for request in requests]
        targets = self._targets(requests)
        wants = together(command.wants(self.program, now) for command in commands)
        wants = with_limits(wants, self.program, requests, targets, now)
        unsettled = self._unsettled(wants)
        wants = with_referrers(self.program, wants, unsettled.values())
        loaded = Loaded(
            holders=self._locked(requests, targets, wants, unsettled, beside),
            usages={key: self.usages[key] for key in wants.usages if key in self.usages},
            facts={i: self.facts[i] for i in self._ids(wants.facts) if i in self.facts},
            referrals=self._chains(wants) | unsettled,
            quotes=self._quotes(wants, now),
            asked_at=now,
            outcomes={r.key: self._prior(r.key) for r in requests if r.key in self.outcomes},
            claims={c.claim: self.claims[c.claim] for c in commands if c.claim and c.claim in self.claims},
        )
        loaded.now = max([now, *(h.recorded_at for h in loaded.holders.values() if h.recorded_at)])
        for holder in uncounted(wants, loaded.usages, loaded.holders):
            days = [
                e.effective_at for e in self.entries.values() if (e.holder_id, e.kind) == (holder, "earn")
            ]
            if days:
                last = local_date(max(days), self.program.timezone)
                loaded.usages[holder, VISITS, ""] = Usage(last.toordinal(), len(days))
        loaded.recorded = self._recorded({entry for entry, _ in targets.values()})
        for name, found in targets.items():
            loaded.claims.setdefault(name, found)
        self._give_merges(loaded, commands)
        self._give_lots(loaded, holders_needing_lots(self.program, commands, loaded))
        if (ladders := ladders_of(self.program)).any:
            late = holders_needing_history(
                self.program, ladders, commands, loaded.holders, loaded.claims, loaded.now
            )
            self._give_histories(loaded, late)
        return loaded

    def _targets(self, requests: Sequence[Request]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
        found: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        for target in (request.command.target for request in requests):
            if target is None:
                continue
            if target.kind != "entry" and (target.kind, target.name) in self.claims:
                found[target.kind, target.name] = self.claims[target.kind, target.name]
                entry = found[target.kind, target.name][0]
            else:
                entry = bytes.fromhex(target.name) if target.kind == "entry" else b""
            recorded = self.entries.get(entry)
            if recorded is not None:
                found["entry", entry.hex()] = (entry, recorded.holder_id)
                if recorded.peer_holder_id is not None:
                    found["peer", entry.hex()] = (entry, recorded.peer_holder_id)
        return found

    def _ids(self, names: Iterable[str]) -> list[bytes]:
        return [holder_id(self.program.program_id, name) for name in names]

    def _unsettled(self, wants: Wants) -> dict[bytes, Referral]:
        found = {i: self.referrals[i] for i in self._ids(wants.unsettled) if i in self.referrals}
        return {i: referral for i, referral in found.items() if referral.settled_entry_id is None}

    def _quotes(self, wants: Wants, now: datetime) -> dict[QuoteKey, Quote]:
        return {
            key: quote
            for key, quote in self.quotes.items()
            if key in wants.quotes or (key[0] in wants.quoted and quote.is_open(now))
        }

    def _chains(self, wants: Wants) -> dict[bytes, Referral]:
        found: dict[bytes, Referral] = {}
        waiting = self._ids(wants.referrals)
        while waiting:
            referral = self.referrals.get(referee := waiting.pop())
            if referral is not None and referee not in found:
                found[referee] = referral
                waiting.append(referral.referrer_holder_id)
        return found

    def _locked(
        self,
        requests: Sequence[Request],
        targets: dict[tuple[str, str], tuple[bytes, bytes]],
        wants: Wants,
        unsettled: dict[bytes, Referral],
        beside: frozenset[bytes],
    ) -> dict[bytes, Holder]:
        number = self.program.program_id
        wanted = {holder for _, holder in targets.values()} | set(self._ids(wants.others)) | beside
        wanted |= {referral.referrer_holder_id for referral in unsettled.values()}
        wanted |= {holder_id(number, m) for request in requests for m in request.command.members}
        holders = {identifier: _copy(self.holders[identifier]) for identifier in wanted & self.holders.keys()}
        for command in (request.command for request in requests):
            for member in command.members if command.enrols else ():
                identifier = holder_id(number, member)
                holders.setdefault(identifier, Holder(identifier, number, member, is_new=True))
        for name in wants.others:
            if not name.startswith(FUND_PREFIX):
                identifier = holder_id(number, name)
                holders.setdefault(identifier, Holder(identifier, number, name, is_new=True))
        return holders

    def _prior(self, key: str) -> tuple[bytes, Outcome]:
        fingerprint, code, answer, request_id, entry_id = self.outcomes[key]
        return fingerprint, restore(code, answer, request_id, entry_id)

    def _recorded(self, entries: Iterable[bytes]) -> dict[bytes, Recorded]:
        found: dict[bytes, Recorded] = {}
        for identifier in entries:
            for each in (identifier, *self.children.get(identifier, ())):
                found[each] = replace(self.entries[each], children=[])
        for identifier in sorted(found):
            entry = found[identifier]
            if entry.parent_entry_id in found:
                found[entry.parent_entry_id].children.append(entry)
        return found

    def _give_merges(self, loaded: Loaded, commands: Iterable[Command]) -> None:
        here = loaded.holders
        for command in commands:
            if command.joins and all(identifier in here for identifier in self._ids(command.joins)):
                _, duplicate = self._ids(command.joins)
                growth = self._growth_of(duplicate)
                surviving = frozenset(one.survivor for one in self.merges.values())
                loaded.joining[command.joins] = Join(frozenset(), growth, surviving)
        moved = list(moves_in(self.entries.values()))
        loaded.merged = {i: with_moves(one, moved) for i, one in self.merges.items() if i in here}

    def _give_lots(self, loaded: Loaded, holder_ids: list[bytes]) -> None:
        named = {p.lot_id for entry in loaded.recorded.values() for p in entry.postings}
        named |= {
            lot
            for one in loaded.merged.values()
            for over in one.gone_over.items()
            for lot in (over[0], *over[1])
        }
        for identifier in holder_ids:
            kept = self.lots.get(identifier, {})
            holder = loaded.holders[identifier]
            holder.holds = dict(self.holds.get(identifier, {}))
            named |= {lot for hold in holder.holds.values() for lot, _ in hold.draws}
            holder.lots = {i: copy(lot) for i, lot in kept.items() if lot.remaining > 0 or i in named}
            holder.refresh(loaded.now)

    def _give_histories(self, loaded: Loaded, holder_ids: Iterable[bytes]) -> None:
        own = {identifier: self._growth_of(identifier) for identifier in self.holders}
        for identifier in holder_ids:
            loaded.holders[identifier].growth_history = grown_together(own, identifier, self.merges.values())

    def _growth_of(self, identifier: bytes) -> list[LotChange]:
        return growth_in(self.entries.values(), identifier, self.lots.get(identifier, {}))

    # --- write -----------------------------------------------------------------------------------

    def _write(self, loaded: Loaded, written: Written) -> None:
        for holder in loaded.holders.values():
            if holder.is_changed:
                self._keep(holder)
        postings = [posting_row(elements) for elements in written.postings]
        for elements in written.entries:
            row = entry_row(elements, ())
            row = row._replace(postings=tuple(p for p in postings if p.entry_id == row.entry_id))
            self.rows.append(row)
            self.entries[row.entry_id] = replace(loaded.recorded[row.entry_id], children=[])
            if row.parent_entry_id is not None:
                self.children.setdefault(row.parent_entry_id, []).append(row.entry_id)
        for claim, draft in written.claims:
            assert claim not in self.claims
            self.claims[claim] = (draft.entry_id, draft.holder_id)
        self.usages |= written.usages
        self.quotes |= written.quotes | written.used_quotes
        self.referrals |= written.referrals
        for merged, is_undone in written.joinings:
            self.holders[merged.duplicate].merged_into = None if is_undone else merged.survivor
            if is_undone:
                del self.merges[merged.duplicate]
            else:
                self.merges[merged.duplicate] = merged
        for identifier, number, *event in written.tiers.events:
            told = self.tier_events.setdefault(identifier, [])
            assert number >= 1
            told.append((identifier, len(told) + 1, *event))
        self.entitlements = written.tiers.entitlements | self.entitlements
        for request, outcome in written.outcomes:
            assert request.key is not None
            assert request.key not in self.outcomes
            code, answer = stored_form(outcome)
            self.outcomes[request.key] = (
                request.fingerprint,
                code,
                answer,
                request.request_id,
                outcome.entry_id,
            )

    def _keep(self, holder: Holder) -> None:
        assert holder.is_new == (holder.holder_id not in self.holders)
        self.holders[holder.holder_id] = _copy(holder)
        self._keep_holds(holder)
        kept = self.lots.setdefault(holder.holder_id, {})
        for lot in holder.opened:
            assert lot.lot_id not in kept
            kept[lot.lot_id] = copy(lot)
        for lot in holder.touched.values():
            stored = kept[lot.lot_id]
            stored.remaining, stored.expired, stored.expires_at = lot.remaining, lot.expired, lot.expires_at

    def _keep_holds(self, holder: Holder) -> None:
        open_holds = self.holds.setdefault(holder.holder_id, {})
        rows = self.hold_rows.setdefault(holder.holder_id, {})
        for hold in holder.holds_opened:
            assert hold.hold_id not in rows
            open_holds[hold.hold_id] = hold
            rows[hold.hold_id] = HoldRow(
                hold.hold_id, hold.points, 0, hold.expires_at, "open", None, hold.quote_id
            )
        for closing in holder.holds_closed:
            del open_holds[closing.hold_id]
            rows[closing.hold_id] = rows[closing.hold_id]._replace(
                captured=closing.captured, status=closing.status, closed_entry_id=closing.entry_id
            )

    # --- read ------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        members = {holder.holder_id: holder.member_id for holder in self.holders.values()}
        entries: dict[str, list[EntryRow]] = {member: [] for member in members.values()}
        for row in self.rows:
            entries[members[row.holder_id]].append(row)
        return Snapshot(
            {holder.member_id: holder_row(holder) for holder in self.holders.values()},
            {members[i]: [lot_row(lots[n]) for n in sorted(lots)] for i, lots in self.lots.items()},
            entries,
            {name: entry for name, (entry, _) in self.claims.items()},
            {key: stored[4] for key, stored in self.outcomes.items()},
            {members[i]: [rows[n] for n in sorted(rows)] for i, rows in self.hold_rows.items() if rows},
            self._quote_rows(members),
        )

    def _quote_rows(self, members: dict[bytes, str]) -> dict[str, list[QuoteRow]]:
        found: dict[str, list[QuoteRow]] = {}
        for (holder, _), quote in sorted(self.quotes.items()):
            row = QuoteRow(*(getattr(quote, name) for name in QuoteRow._fields))
            found.setdefault(members[holder], []).append(row)
        return found


def _copy(holder: Holder) -> Holder:
    """The columns of a holder's row alone."""
    return replace(
        holder,
        standing=holder.kept or holder.standing,
        kept=None,
        lots=None,
        growth_history=None,
        holds={},
        holds_opened=[],
        holds_closed=[],
        opened=[],
        touched={},
        is_changed=False,
        is_new=False,
    )
