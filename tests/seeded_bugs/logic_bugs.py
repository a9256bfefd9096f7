"""Bugs of thought, each put into the ledger by one patch, and the test that sees it.

A bug is what somebody could well have written. Its check is a test of the suite, called by name; the
machine is set upon it as well.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from ledger.accounts import holder, lots, policies, repayment
from ledger.accounts.lots import Lot
from ledger.accounts.postings import Opening, Posting
from ledger.clock import start_of_day
from ledger.errors import BatchAborted, LedgerError
from ledger.journal import chain, load, outcomes, write
from ledger.journal.commands import Outcome, Request
from ledger.redemption import adjustments, restoring, reversals
from ledger.redemption import commands as redemption
from ledger.rules import commands as earning
from ledger.rules import debt, returns
from ledger.rules.terms import terms_of
from tests.accounts import test_holder, test_lots, test_policies
from tests.builders import NOW, Bench, program, purchase
from tests.builders import earning as a_gift
from tests.expiry import test_expire_lots
from tests.journal import test_batches, test_chain, test_idempotency
from tests.model.memory import MemoryDriver
from tests.properties import test_returns
from tests.redemption import test_adjustments, test_redemptions, test_transfers
from tests.rules import test_debt, test_earning

# By its full name: the package's own ``post`` is the function.
post = import_module("ledger.journal.post")

Patch = pytest.MonkeyPatch


class Bug(NamedTuple):
    """A mistake, where to put it, and which test of the suite it breaks."""

    name: str
    plant: Callable[[Patch], None]
    check: Callable[[], object]


def bench(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


def adjustment_takes_what_there_is(patch: Patch) -> None:
    """Instead of refusing what is not covered, it is clamped."""

    def clamped(books: Any, holder: Any, points: int) -> Any:
        spendable = holder.spendable(books.now)
        return lots.consume(spendable, points)

    patch.setattr(adjustments, "draw", clamped)


def last_lots_are_drawn_first(patch: Patch) -> None:
    def backwards(lot: Lot) -> Any:
        return [-ord(c) for c in f"{lots.drawing_order(lot)}"]

    patch.setattr(lots, "consume", lambda some, amount: _consume(some, amount, backwards))
    patch.setattr(restoring, "consume", lots.consume)


def _consume(some: Iterable[Lot], amount: int, order: Callable[[Lot], Any]) -> list[lots.Draw]:
    draws = []
    for lot in sorted(some, key=order):
        taken = min(lot.remaining, amount)
        if taken:
            draws.append(lots.Draw(lot, taken))
            amount -= taken
    return draws


def pending_points_are_spent(patch: Patch) -> None:
    patch.setattr(Lot, "is_spendable", Lot.is_live)


def points_live_until_they_are_swept(patch: Patch) -> None:
    patch.setattr(Lot, "is_live", lambda self, _: self.remaining > 0)


def last_instant_is_included(patch: Patch) -> None:
    def is_live(self: Lot, now: datetime) -> bool:
        return self.remaining > 0 and (self.expires_at is None or now <= self.expires_at)

    patch.setattr(Lot, "is_live", is_live)


def standing_is_taken_as_fresh_for_ever(patch: Patch) -> None:
    def needing(program: Any, commands: Any, loaded: Any) -> list[bytes]:
        wanted = {h for c in commands if c.needs_lots(program) for h in loaded.holders} | {
            h.holder_id for h in loaded.holders.values() if h.debt
        }
        return list(wanted)

    patch.setattr(load, "holders_needing_lots", needing)
    patch.setattr("tests.model.memory.holders_needing_lots", needing)


def activity_raises_the_dead(patch: Patch) -> None:
    def extend(self: holder.Holder, extends_to: datetime, now: datetime) -> None:
        for lot in (self.lots or {}).values():
            if lot.rolling and lot.remaining and lot.expires_at and lot.expires_at < extends_to:
                lot.expires_at = extends_to
                self.touched[lot.lot_id] = lot

    patch.setattr(holder.Holder, "_extend", extend)


def days_end_in_utc(patch: Patch) -> None:
    # In the place of the cached function: what it remembers must not outlive the bug.
    def in_utc(policy: policies.ExpiryPolicy, earned_on: date, _: str) -> datetime:
        return start_of_day(policy.last_day(earned_on) + timedelta(days=1), "UTC")

    patch.setattr(policies, "_day_after_last", in_utc)


def claw_back_is_recomputed(patch: Patch) -> None:
    real = debt._still_to_take

    def recomputed(
        books: Any, recorded: Any, award: Any, lot: Any, kept: int, total: int, lapsed: int
    ) -> int:
        wanted = real(books, recorded, award, lot, kept, total, lapsed)
        rate = terms_of(books.program).points
        spent = sum(line["amount"] for line in recorded.details.get("lines", ()))
        earned = rate.of(spent)
        return min(wanted * earned // award.amount, lot.original) if spent else wanted

    patch.setattr(debt, "_still_to_take", recomputed)


def claw_back_forgets_what_went_back_before(patch: Patch) -> None:
    def alone(books: Any, recorded: Any, award: Any, lot: Any, kept: int, total: int, lapsed: int) -> int:
        lines = [child.details.get("lines", ()) for child in recorded.children]
        before = sum(line["amount"] for some in lines for line in some)
        return int(award.amount * (total - before - kept) // total) if total else 0

    patch.setattr(debt, "_still_to_take", alone)


def kept_share_is_rounded_up(patch: Patch) -> None:
    real = debt._still_to_take

    def generous(books: Any, recorded: Any, award: Any, lot: Any, kept: int, total: int, lapsed: int) -> int:
        wanted = real(books, recorded, award, lot, kept, total, lapsed)
        return max(0, wanted - 1) if kept else wanted

    patch.setattr(debt, "_still_to_take", generous)


def expired_points_are_clawed_back_too(patch: Patch) -> None:
    real = debt._still_to_take

    def strict(books: Any, recorded: Any, award: Any, lot: Any, kept: int, total: int, lapsed: int) -> int:
        due = award.amount - (award.amount * kept // total if total else 0)
        before = real(books, recorded, award, lot, total, total, lapsed) if total else 0
        return max(0, due - before) if lot.expired else real(books, recorded, award, lot, kept, total, lapsed)

    patch.setattr(debt, "_still_to_take", strict)


def debt_is_never_repaid(patch: Patch) -> None:
    for module in (earning, redemption, restoring, reversals):
        patch.setattr(module, "repay", lambda *_: [])


def lapsed_points_repay_a_debt(patch: Patch) -> None:
    patch.setattr(repayment, "has_lapsed", lambda *_: False)


def debt_has_no_limit(patch: Patch) -> None:
    for module in (returns, reversals):
        patch.setattr(module, "check_limit", lambda *_: None)


def others_pay_before_own_lots(patch: Patch) -> None:
    def in_drawing_order(live: Any, _: Any, amount: int, __: int) -> tuple[list[lots.Draw], int, int]:
        draws = lots.consume(live, amount)
        return draws, 0, amount - sum(draw.amount for draw in draws)

    patch.setattr(debt, "_draw_back", in_drawing_order)


def refund_starts_with_the_oldest_draw(patch: Patch) -> None:
    patch.setattr(restoring, "reversed", list, raising=False)


def refunds_are_not_counted(patch: Patch) -> None:
    def undone(recorded: Any) -> list[tuple[bytes, int]]:
        return [(posting.lot_id or b"", posting.amount) for posting in recorded.postings]

    for module in (redemption, restoring):
        patch.setattr(module, "undone", undone)


def transfer_renews_the_expiry(patch: Patch) -> None:
    real = redemption._arrive

    def renewed(books: Any, entry_id: bytes, ordinal: int, drawn: Any) -> Posting:
        posting = real(books, entry_id, ordinal, drawn)
        opens = posting.opens or Opening(books.now, books.now, None)
        ends = terms_of(books.program).points_expiry.expires_at(books.now, books.program.timezone)
        return posting._replace(opens=opens._replace(expires_at=ends))

    patch.setattr(redemption, "_arrive", renewed)


def any_body_replays_a_key(patch: Patch) -> None:
    patch.setattr(post, "replay", lambda *known: known[-1])


def keys_are_not_looked_up(patch: Patch) -> None:
    def answer(self: Any, request: Request) -> Outcome:
        try:
            posted: Outcome = self._post(request)
            return posted
        except LedgerError as error:
            return Outcome(None, error, request.request_id)

    patch.setattr(post._Batch, "answer", answer)


def absence_is_remembered(patch: Patch) -> None:
    patch.setattr(post, "is_remembered", lambda _: True)
    patch.setattr(outcomes, "is_remembered", lambda _: True)


def refusals_are_not_remembered(patch: Patch) -> None:
    patch.setattr(post, "is_remembered", lambda _: False)


def aborted_batch_confirms_its_own_replays(patch: Patch) -> None:
    def aborted(requests: Any, outcomes: list[Outcome], refused: int, answered: Any) -> list[Outcome]:
        error = BatchAborted("aborted", index=refused)
        return [o if o.error or o.replayed else Outcome(None, error, o.request_id) for o in outcomes]

    patch.setattr(post, "aborted", aborted)


def chain_starts_anew_with_each_entry(patch: Patch) -> None:
    patch.setattr(write, "link", lambda _, *rows: chain.link(bytes(32), *rows))


def hash_leaves_the_postings_out(patch: Patch) -> None:
    patch.setattr(write, "link", lambda previous, entry, _: chain.link(previous, entry, []))


def version_is_skipped(patch: Patch) -> None:
    real = write.seal

    def skipping(written: Any, holder: Any, *rest: Any) -> None:
        holder.version += holder.version > 0
        real(written, holder, *rest)

    patch.setattr(post, "seal", skipping)


def dry_run_writes(patch: Patch) -> None:
    real = post.decide_batch

    def wet(*args: Any, dry_run: bool = False, **kwargs: Any) -> Any:
        return real(*args, dry_run=False, **kwargs)

    patch.setattr(post, "decide_batch", wet)
    patch.setattr("tests.model.memory.decide_batch", wet)


def reversal_is_repeated(patch: Patch) -> None:
    patch.setattr(reversals.Reverse, "claim", None)


def _returns_in_any_order() -> None:
    test_returns.test_any_order_and_grouping_of_partial_returns_ends_the_same()


def _kept_share() -> None:
    for case in [(100, 1, 0), (1_000, 333, 6), (1_000, 1, 9)]:
        test_debt.test_kept_share_is_rounded_down(bench(), *case)


def _activity() -> None:
    for days, moves in ((1, True), (10, False)):
        test_holder.test_activity_moves_only_live_rolling_lots_and_only_forward(
            test_holder.opening(ends=10, rolling=True), days, moves
        )


def _days() -> None:
    test_policies.test_the_program_decides_where_the_month_ends(
        "2026-01-31T16:00:00Z", "Asia/Shanghai", "2026-02-28T16:00:00Z"
    )


def _transfers() -> Bench:
    made = bench()
    made.must(purchase(0, member="m-2"))
    return made


def _gifts() -> Bench:
    made = bench()
    for points, days in ((10, 1), (20, 2), (40, 2)):
        made.must(a_gift(points, expires_at=NOW + days * test_expire_lots.DAY))
    return made


def _chain_verifies() -> None:
    assert "verifies" in test_chain.tamper(lambda _: None)


def _last_instant() -> None:
    test_lots.test_last_microsecond_of_a_lot_counts()


BUGS: Sequence[Bug] = [
    Bug(
        "an adjustment takes what there is and refuses nothing",
        adjustment_takes_what_there_is,
        lambda: test_adjustments.test_all_that_is_there_may_be_taken_and_not_one_point_more(bench()),
    ),
    Bug(
        "the last lots are drawn first",
        last_lots_are_drawn_first,
        lambda: test_redemptions.test_redemption_draws_what_ends_first_and_says_so(bench()),
    ),
    Bug(
        "pending points are spent",
        pending_points_are_spent,
        test_earning.test_points_wait_for_the_end_of_the_return_window,
    ),
    Bug(
        "points live until they are swept",
        points_live_until_they_are_swept,
        lambda: test_expire_lots.test_the_clock_takes_points_whether_or_not_they_are_swept(_gifts(), 1, 60),
    ),
    Bug("the last instant is included", last_instant_is_included, _last_instant),
    Bug(
        "a standing is taken as fresh for ever",
        standing_is_taken_as_fresh_for_ever,
        test_expire_lots.test_answer_to_an_earning_counts_no_points_that_lapsed_meanwhile,
    ),
    Bug("activity raises the dead", activity_raises_the_dead, _activity),
    Bug("days end in UTC", days_end_in_utc, _days),
    Bug(
        "claw-back is recomputed",
        claw_back_is_recomputed,
        lambda: test_debt.test_claw_back_takes_the_award_as_recorded_not_as_it_would_be_today(bench()),
    ),
    Bug(
        "claw-back forgets what went back before",
        claw_back_forgets_what_went_back_before,
        _returns_in_any_order,
    ),
    Bug("the kept share is rounded up", kept_share_is_rounded_up, _kept_share),
    Bug(
        "expired points are clawed back too",
        expired_points_are_clawed_back_too,
        lambda: test_debt.test_what_the_clock_took_is_forgiven_swept_or_not(bench()),
    ),
    Bug(
        "a debt is never repaid",
        debt_is_never_repaid,
        lambda: test_debt.test_earning_repays_a_debt_first(bench()),
    ),
    Bug(
        "lapsed points repay a debt",
        lapsed_points_repay_a_debt,
        test_debt.test_points_that_come_too_late_to_be_used_repay_nothing,
    ),
    Bug(
        "a debt has no limit",
        debt_has_no_limit,
        test_debt.test_debt_limit_refuses_the_return_and_moves_nothing,
    ),
    Bug(
        "others pay before the own lots",
        others_pay_before_own_lots,
        lambda: test_debt.test_claw_back_spares_other_points_while_its_own_are_there(bench()),
    ),
    Bug(
        "a refund starts with the oldest draw",
        refund_starts_with_the_oldest_draw,
        lambda: test_redemptions.test_refund_goes_back_newest_draw_first(bench()),
    ),
    Bug(
        "refunds are not counted",
        refunds_are_not_counted,
        lambda: test_redemptions.test_more_than_was_redeemed_is_never_refunded(bench(), 20, 31, 30),
    ),
    Bug(
        "a transfer renews the expiry",
        transfer_renews_the_expiry,
        lambda: test_transfers.test_transfer_keeps_the_expiry_of_every_lot(_transfers()),
    ),
    Bug(
        "any body replays a key",
        any_body_replays_a_key,
        lambda: test_idempotency.test_key_of_another_request_is_refused_and_keeps_its_first_answer(bench()),
    ),
    Bug(
        "keys are not looked up",
        keys_are_not_looked_up,
        lambda: test_idempotency.test_retry_after_balance_is_spent_returns_first_answer(bench()),
    ),
    Bug(
        "absence is remembered",
        absence_is_remembered,
        lambda: test_idempotency.test_what_was_absent_may_come_and_the_same_key_then_succeeds(bench()),
    ),
    Bug(
        "refusals are not remembered",
        refusals_are_not_remembered,
        lambda: test_idempotency.test_retry_of_a_refusal_is_refused_alike_though_it_would_succeed_now(
            bench()
        ),
    ),
    Bug(
        "an aborted batch confirms its own replays",
        aborted_batch_confirms_its_own_replays,
        lambda: test_batches.test_atomic_batch_that_aborts_claims_no_success_for_a_key_repeated_within_it(
            bench()
        ),
    ),
    Bug("the chain starts anew with each entry", chain_starts_anew_with_each_entry, _chain_verifies),
    Bug("the hash leaves the postings out", hash_leaves_the_postings_out, _chain_verifies),
    Bug(
        "a version is skipped",
        version_is_skipped,
        lambda: test_batches.test_commands_of_a_batch_see_what_the_ones_before_them_did(bench()),
    ),
    Bug(
        "a dry run writes",
        dry_run_writes,
        lambda: test_batches.test_dry_run_answers_in_full_and_leaves_no_trace(bench()),
    ),
    Bug(
        "a reversal is repeated",
        reversal_is_repeated,
        lambda: test_redemptions.test_reversed_award_takes_all_of_it_back_once(bench(), "award"),
    ),
]
