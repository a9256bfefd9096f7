"""Merge and unmerge: two members who are one person, and two who turn out not to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.merges import Joining, Merged
from ledger.accounts.program import Program
from ledger.errors import HoldsOpen, MemberHasMerges, MemberLocked, MemberMerged, MergeUnknown, SameMember
from ledger.funds.commands import Authority
from ledger.ids import holder_id
from ledger.ids import show as show_id
from ledger.journal.commands import Alert, Books, Command, Decision, Draft
from ledger.journal.merging import give_back, hand_over, move
from ledger.journal.wants import Wants


@dataclass(frozen=True, slots=True)
class _Joining(Command):
    is_of_person: ClassVar[bool] = False

    member_id: str
    """The survivor."""
    duplicate_id: str
    by: Authority

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id, self.duplicate_id)

    @property
    def joins(self) -> tuple[str, str]:
        return (self.member_id, self.duplicate_id)

    def _pair(self, books: Books) -> tuple[Holder, Holder]:
        if self.member_id == self.duplicate_id:
            raise SameMember("it takes two members to merge", member_id=self.member_id)
        return books.holder(self.member_id), books.holder(self.duplicate_id)

    def _decision(self, merged: Merged, drafts: list[Draft], is_undone: bool) -> Decision:
        left = drafts[0].postings
        answer = {
            "merge_id": show_id("mrg", merged.merge_id),
            "member_id": self.member_id,
            "duplicate_id": self.duplicate_id,
            "points": sum(posting.amount for posting in left if posting.debit is Account.POINTS),
            "growth": sum(posting.amount for posting in left if posting.debit is Account.GROWTH),
            "debt": sum(posting.amount for posting in left if posting.credit is Account.DEBT),
        }
        return Decision(drafts, answer, joining=Joining(merged, is_undone))


@dataclass(frozen=True, slots=True)
class Merge(_Joining):
    """Let a member's books go over into another's: from now on he is that other."""

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(referrals=(self.member_id, self.duplicate_id))

    def decide(self, books: Books) -> Decision:
        """Refuses members who were merged, and a duplicate that others were merged into, that has a lock or open holds.

        Growth of orders that both have counts once: the duplicate's lots of them stay where they are.
        """
        survivor, duplicate = self._pair(books)
        for holder in (survivor, duplicate):
            if holder.merged_into is not None:
                raise MemberMerged(
                    f"{holder.member_id} was merged into another member", member_id=holder.member_id
                )
        if duplicate.holder_id in books.surviving:
            raise MemberHasMerges(
                f"others were merged into {self.duplicate_id}; part them first, or merge the other way round",
                member_id=self.duplicate_id,
            )
        if duplicate.locks:
            raise MemberLocked(
                f"{self.duplicate_id} is frozen, reviewed or has locked his spending; settle that first",
                member_id=self.duplicate_id,
            )
        if duplicate.holds:
            raise HoldsOpen(
                f"points of {self.duplicate_id} are held; capture or release them first",
                member_id=self.duplicate_id,
                holds=len(duplicate.holds),
            )
        assert duplicate.lots is not None
        drafts = hand_over(
            duplicate, survivor, books.now, books.new_entry_id, self.by._asdict(), books.shared
        ) or list(move(duplicate, survivor, [], 0, books.now, books.new_entry_id, self.by._asdict()))
        merged = Merged(drafts[0].entry_id, survivor.holder_id, duplicate.holder_id, books.shared)
        made = self._decision(merged, drafts, is_undone=False)
        return made._replace(alerts=list(self._alerts(books, merged)))

    def _alerts(self, books: Books, merged: Merged) -> Iterator[Alert]:
        """Whoever has brought himself was rewarded for it."""
        for member, other in (self.joins, self.joins[::-1]):
            referral = books.referrals.get(holder_id(books.program.program_id, member))
            if referral is not None and referral.referrer_id == other:
                told = {"member_id": member, "referrer": other, "merge_id": show_id("mrg", merged.merge_id)}
                yield Alert("merged_with_referrer", told["merge_id"], told)


@dataclass(frozen=True, slots=True)
class Unmerge(_Joining):
    """Part two members again: what is left of what came over goes back, and each has his own history."""

    def decide(self, books: Books) -> Decision:
        """Refuses members who are not merged (``merge_unknown``). What was spent meanwhile stays spent."""
        survivor, duplicate = self._pair(books)
        merged = books.merged.get(duplicate.holder_id)
        if merged is None or merged.survivor != survivor.holder_id:
            raise MergeUnknown(
                f"{self.duplicate_id} is not merged into {self.member_id}",
                member_id=self.member_id,
                duplicate_id=self.duplicate_id,
            )
        told = self.by._asdict()
        drafts = give_back(survivor, duplicate, merged, books.now, books.new_entry_id, told)
        return self._decision(merged, drafts, is_undone=True)
