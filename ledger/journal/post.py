"""``post``: the one way into the books. Load, decide, write; one database transaction for any number of commands.

Decisions are pure and in order, each against the state that the ones before it left. A refusal moves
nothing and fails nobody else. Two batches that take the same name or enrol the same member meet at a
unique key; the loser's whole unit of work runs again (``ledger.db``) and then sees the winner's rows.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ledger.accounts.balances import balance_of
from ledger.accounts.chart import Account, units_of
from ledger.accounts.growth_history import counted
from ledger.accounts.holder import Closing, Holder
from ledger.accounts.holds import LAPSED, lapses
from ledger.accounts.ladders import ladders_of
from ledger.accounts.merges import Joining, Merged
from ledger.accounts.program import Program
from ledger.accounts.tiers import Reason
from ledger.accounts.tracking import (
    HistoryMissing,
    follow,
    follow_merged,
    history_of,
    judge,
    regrow,
    tier_of,
)
from ledger.errors import AmountTooLarge, LedgerError
from ledger.ids import new_entry_id, show
from ledger.journal.answering import aborted, replay, told, unasked
from ledger.journal.commands import Books, Decision, Draft, Outcome, Recorded, Request
from ledger.journal.load import load_meant
from ledger.journal.loaded import Loaded
from ledger.journal.merging import CHANGING_BOOKS, Recall, gone_over, hand_over, recalls_of, told_of
from ledger.journal.outcomes import is_remembered
from ledger.journal.screening import screen
from ledger.journal.wants import count_up
from ledger.journal.write import Written, link_up, seal, write
from ledger.money import MAX_AMOUNT


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector away while a batch is built up.

    Nothing in a batch refers back to itself, so there is nothing to find; looking through its many live
    values again and again took 40 % of a batch of 1,000. As a decorator it lets the collector back in when
    all but the answers is gone: with the rest still there, that one look took 4 %.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_collector_paused()
def post(
    connection: Connection,
    program: Program,
    requests: Sequence[Request],
    *,
    now: datetime,
    dry_run: bool = False,
    atomic: bool = False,
    fresh: bool = False,
    entry_ids: Callable[[], bytes] = new_entry_id,
) -> list[Outcome]:
    """Post a batch for a program; one outcome per request, in order. The caller commits (``Database.run``).

    Locks every holder concerned, in id order, until the end of the transaction. A request whose key has
    an answer gets that answer again; one whose fingerprint differs is refused. With ``dry_run`` nothing is
    written; with ``atomic`` nothing is written unless no request is refused. With ``fresh``, StaleProgramError is
    raised where the program has changed since it was read.
    """
    decide = partial(decide_batch, program, dry_run=dry_run, atomic=atomic, entry_ids=entry_ids)
    find = partial(load_meant, connection, program, now=now)
    loaded, meant = find(requests, fresh=fresh)
    try:
        outcomes, written = decide(loaded, meant)
    except HistoryMissing:
        # What a command does late was not to be seen before it was decided. The holders stay locked.
        loaded, meant = find(requests, with_histories=True)
        outcomes, written = decide(loaded, meant)
    # Nothing below may refuse.
    if written is not None:
        write(connection, program, loaded, written)
    return outcomes


def decide_batch(
    program: Program,
    loaded: Loaded,
    requests: Sequence[Request],
    *,
    dry_run: bool = False,
    atomic: bool = False,
    entry_ids: Callable[[], bytes] = new_entry_id,
) -> tuple[list[Outcome], Written | None]:
    """The outcomes of a batch and the rows to write for it; None where nothing may be written.

    Pure but for ``loaded``, whose holders, names, answers and entries it moves on; whoever must not write
    throws ``loaded`` away.
    """
    answered = frozenset(loaded.outcomes) if atomic else frozenset()
    batch = _Batch(program, loaded, entry_ids, dry_run)
    batch.lapse()
    outcomes = [batch.answer(request) for request in requests]
    if atomic and (refused := next((i for i, o in enumerate(outcomes) if o.error), None)) is not None:
        return aborted(requests, outcomes, refused, answered), None
    if dry_run:
        return outcomes, None
    link_up(batch.written)
    return outcomes, batch.written


class _Batch:
    """The evolving state while a batch is decided."""

    def __init__(
        self, program: Program, loaded: Loaded, entry_ids: Callable[[], bytes], dry_run: bool
    ) -> None:
        self.program = program
        self.loaded = loaded
        self.entry_ids = entry_ids
        self.dry_run = dry_run
        self.written = Written()
        self.ladders = ladders_of(program)
        self.has_tiers = self.ladders.any
        self.units = units_of(program.currency)

    def lapse(self) -> None:
        """Book the holds that the clock has released, before anything is decided on what they had reserved."""
        for holder in self.loaded.holders.values():
            has_lapsed = False
            for hold, postings in lapses(holder, self.loaded.now):
                entry_id, has_lapsed = self.entry_ids(), True
                self._apply(
                    Draft(
                        "release",
                        holder.holder_id,
                        entry_id,
                        hold.expires_at,
                        postings,
                        {"lapsed": True},
                        parent_entry_id=hold.hold_id,
                        closes=Closing(hold.hold_id, LAPSED, 0, entry_id),
                    )
                )
            if has_lapsed and holder.merged_into is not None:
                self._go_over(self.loaded.merged[holder.holder_id])

    def answer(self, request: Request) -> Outcome:
        return told(request, self._answer_stored(request))

    def _answer_stored(self, request: Request) -> Outcome:
        """The outcome as it is stored."""
        prior = self.loaded.outcomes.get(request.key) if request.key else None
        if prior is not None:
            return replay(request, *prior)
        try:
            outcome = self._post(request)
        except LedgerError as error:
            # The frames that its traceback names hold the whole batch.
            outcome = Outcome(None, error.with_traceback(None), request.request_id)
            if not is_remembered(error):
                return outcome
        if request.key is not None:
            self.loaded.outcomes[request.key] = (request.fingerprint, outcome)
            self.written.outcomes.append((request, outcome))
        elif request.action and outcome.error is None:
            self.written.outcomes.append(unasked(request, outcome, self.entry_ids()))
        return outcome

    def _post(self, request: Request) -> Outcome:
        command, loaded = request.command, self.loaded
        claim = command.claim
        if claim is not None and claim in loaded.claims:
            raise claim.taken(show("ent", loaded.claims[claim][0]))
        merged = loaded.merged if command.is_of_person else {}
        recalls = recalls_of(loaded.holders, merged, self.entry_ids) if merged else []
        books = self._books(request, recalls)
        decision = screen(books, request, command.decide(books))
        self._check_amounts(decision)
        version = self._book(decision, recalls)
        self._use(decision)
        for identifier, until in decision.judged:
            self._judge(loaded.holders[identifier], until)
        if not decision.drafts:
            answer = {**decision.answer, "dry_run": True} if self.dry_run else decision.answer
            return Outcome(answer, None, request.request_id)
        first = decision.drafts[0]
        if claim is not None:
            loaded.claims[claim] = (first.entry_id, first.holder_id)
            self.written.claims.append((claim, first))
        answer = self._answer(first, version, decision.answer)
        return Outcome(
            answer, None, request.request_id, entry_id=first.entry_id, entries=len(decision.drafts)
        )

    def _book(self, decision: Decision, recalls: Iterable[Recall]) -> int:
        """Book what was decided, and what goes back to a duplicate for it and over again; the version of the first."""
        drafts, now = list(decision.drafts), self.loaded.now
        touched = {draft.holder_id for draft in drafts}
        recalls = [recall for recall in recalls if recall.merged.duplicate in touched]
        for recall in recalls:
            called_back, drafts = recall.call_back(drafts, now)
            for draft in called_back:
                self._apply(draft)
        version = 0
        for number, draft in enumerate(drafts):
            self._apply(draft)
            if number == 0:
                version = self.loaded.holders[draft.holder_id].version
        for recall in recalls:
            self._go_over(recall.merged)
        if decision.joining is not None:
            self._join(decision.joining)
        return version

    def _go_over(self, merged: Merged) -> None:
        """Book that what is alive in a duplicate's books is the survivor's."""
        giver, taker = self.loaded.holders[merged.duplicate], self.loaded.holders[merged.survivor]
        details = told_of(merged)
        drafts = hand_over(giver, taker, self.loaded.now, self.entry_ids, details, merged.uncounted)
        for draft in drafts:
            self._apply(draft)
        self.loaded.merged[merged.duplicate] = gone_over(merged, drafts)

    def _join(self, joining: Joining) -> None:
        """From now on the duplicate's history is the survivor's as well, or no longer."""
        merged, loaded = joining.merged, self.loaded
        survivor, duplicate = loaded.holders[merged.survivor], loaded.holders[merged.duplicate]
        duplicate.merged_into = None if joining.is_undone else merged.survivor
        self.written.joinings.append(joining)
        if not self.has_tiers:
            return
        growth = loaded.joining[survivor.member_id, duplicate.member_id].growth
        counts = counted(growth, merged.uncounted)
        own = history_of(survivor)
        if joining.is_undone:
            left = list((Counter(own) - Counter(counts)).elements())
            judged = [(survivor, left), (duplicate, counted(growth))]
        else:
            judged = [(survivor, [*own, *counts])]
        reason: Reason = "unmerged" if joining.is_undone else "merged"
        for holder, history in judged:
            settled = regrow(holder, history, self.ladders, loaded.now, reason)
            self.written.tiers.add(holder, settled, loaded.now)

    def _books(self, request: Request, recalls: Iterable[Recall] = ()) -> Books:
        target = request.command.target
        recorded = None
        if target is not None:
            named = self.loaded.claims.get((target.kind, target.name))
            if named is None or named[0] not in self.loaded.recorded:
                raise target.absent
            recorded = self.loaded.recorded[named[0]]
        loaded = self.loaded
        seen = {recall.merged.duplicate: recall.seen() for recall in recalls}
        pair = request.command.joins
        join = loaded.joining.get(pair) if pair else None
        return Books(
            self.program,
            loaded.now,
            loaded.holders | seen if seen else loaded.holders,
            recorded,
            self.entry_ids,
            loaded.asked_at,
            loaded.usages,
            loaded.facts,
            loaded.referrals,
            loaded.quotes,
            loaded.merged,
            join.surviving if join else frozenset(),
            join.shared if join else frozenset(),
        )

    def _check_amounts(self, decision: Decision) -> None:
        """Refuse what would lift a balance beyond what is counted exactly. What leaves an account lifts none."""
        for draft in decision.drafts:
            holder = self.loaded.holders[draft.holder_id]
            # What is held comes back one day, and then there is nobody to refuse.
            points = holder.points + holder.held
            highest = max(points, holder.growth, holder.debt)
            if highest + sum([posting.amount for posting in draft.postings]) <= MAX_AMOUNT:
                continue
            for accounts, balance in (
                ((Account.POINTS, Account.HELD), points),
                ((Account.GROWTH,), holder.growth),
                ((Account.DEBT,), -holder.debt),
                ((Account.FUND,), holder.points),
            ):
                after = balance + sum(_net(draft, account) for account in accounts)
                if abs(after) > MAX_AMOUNT:
                    raise AmountTooLarge(
                        "the balance would exceed what can be counted exactly", limit=MAX_AMOUNT
                    )

    def _use(self, decision: Decision) -> None:
        """Add to usages, and note referrals and quotes, for later commands of the batch and for writing."""
        count_up(self.loaded.usages, decision.uses)
        for key, _, _ in decision.uses:
            self.written.usages[key] = self.loaded.usages[key]
            # The row that it refers to: an operator's is made by its first use.
            self.loaded.holders[key[0]].is_changed = True
        for referee, referral in decision.referrals:
            self.loaded.referrals[referee] = self.written.referrals[referee] = referral
        self.written.alerts += decision.alerts
        for quote in decision.quotes:
            is_new = quote.key not in self.loaded.quotes or quote.key in self.written.quotes
            (self.written.quotes if is_new else self.written.used_quotes)[quote.key] = quote
            self.loaded.quotes[quote.key] = quote

    def _apply(self, draft: Draft) -> None:
        holder = self.loaded.holders[draft.holder_id]
        if self.has_tiers and holder.is_member and draft.kind not in CHANGING_BOOKS:
            self._follow(holder, draft)
        holder.apply(draft.postings, self.loaded.now, draft.extends_to, draft.opens, draft.closes)
        seal(self.written, holder, draft, self.program.terms_version, self.loaded.now, self.units)
        self._record(draft)

    def _follow(self, holder: Holder, draft: Draft) -> None:
        """Settle the tier of whoever the holder is."""
        moves, at, judged = draft.postings, draft.effective_at, holder
        if holder.merged_into is None:
            settled = follow(holder, moves, at, self.ladders)
        else:
            judged = self.loaded.holders[holder.merged_into]
            uncounted = self.loaded.merged[holder.holder_id].uncounted
            moves = [posting for posting in moves if posting.lot_id not in uncounted]
            settled = follow_merged(judged, holder, moves, at, self.ladders)
        self.written.tiers.add(judged, settled, self.loaded.now, draft)

    def _judge(self, holder: Holder, until: datetime) -> None:
        """Settle by the clock alone; the row is written, though no entry is."""
        is_judged = self.has_tiers and holder.merged_into is None
        settled = judge(holder, self.ladders, min(until, self.loaded.now)) if is_judged else []
        self.written.tiers.add(holder, settled, self.loaded.now)
        holder.is_changed = holder.is_changed or bool(settled)

    def _record(self, draft: Draft) -> None:
        """Let later commands of the batch refer to the entry."""
        kind, holder_id, entry_id, effective_at, postings, details, *_ = draft
        recorded = Recorded(
            entry_id,
            holder_id,
            kind,
            effective_at,
            draft.reference,
            draft.parent_entry_id,
            draft.peer_holder_id,
            details or {},
            postings,
        )
        self.loaded.recorded[entry_id] = recorded
        parent = self.loaded.recorded.get(draft.parent_entry_id) if draft.parent_entry_id else None
        if parent is not None:
            parent.children.append(recorded)

    def _answer(self, first: Draft, version: int, own: dict[str, Any]) -> dict[str, Any]:
        """The facts of a success, with what the member has then; of one who was merged, what the survivor has."""
        holder: Holder = self.loaded.holders[first.holder_id]
        holder = self.loaded.holders[holder.merged_into] if holder.merged_into else holder
        answer = {"entry_id": show("ent", first.entry_id), "kind": first.kind, **own}
        if self.dry_run:
            answer["dry_run"] = True
        answer["account_version"] = version
        now = self.loaded.now
        tier = tier_of(holder, self.ladders, now) if self.has_tiers and holder.is_member else None
        answer["balance"] = balance_of(holder, now, tier)
        return answer


def _net(draft: Draft, account: Account) -> int:
    """What an entry adds to the credit of an account."""
    return sum(
        posting.amount * ((posting.credit is account) - (posting.debit is account))
        for posting in draft.postings
    )
