"""Activities: what a member does beside buying, such as signing in, sharing or bringing a friend.

An activity is recorded whether or not a rule rewards it; its days in a row are counted for the rules to
come. One that brings a member earns nothing by itself: that waits for the first purchase.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from ledger.accounts.program import Program
from ledger.ids import holder_id
from ledger.journal.commands import NO_SOURCE, Books, Claim, Command, Decision, Draft, Source
from ledger.journal.wants import Wants
from ledger.rules.awarding import Occasion, book, judge, pay, wants_of
from ledger.rules.facts import PURCHASE, REFERRAL, REFERRER
from ledger.rules.referrals import introduce, wants_of_introduction
from ledger.rules.visits import activity_visit, visit_keys

RESERVED = (PURCHASE, REFERRER)
"""Occasions that nobody can post as an activity: rules on them are for what the ledger itself has seen."""


@dataclass(frozen=True, slots=True)
class Activity(Command):
    """Something that a member did. Enrols the member; earns by the rules in force when it happened."""

    enrols: ClassVar[bool] = True
    moves: ClassVar[tuple[str, ...]] = ("activity",)

    activity_id: str
    member_id: str
    type: str
    occurred_at: datetime
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def people(self) -> tuple[str, ...]:
        return (self.member_id, self.referrer) if self.type == REFERRAL else (self.member_id,)

    def renamed(self, names: Mapping[str, str]) -> Self:
        member = names.get(self.member_id, self.member_id)
        if self.type != REFERRAL:
            return replace(self, member_id=member)
        referrer = names.get(self.referrer, self.referrer)
        return replace(self, member_id=member, attributes={**self.attributes, "referrer": referrer})

    @property
    def claim(self) -> Claim:
        return Claim("activity", self.activity_id)

    @property
    def referrer(self) -> str:
        """Who brought the member; of a referral alone."""
        return str(self.attributes["referrer"])

    def wants(self, program: Program, now: datetime) -> Wants:
        if self.type == REFERRAL:
            return wants_of_introduction(program, self.member_id, self.referrer)
        wants = wants_of(program, self._occasion(), now)
        habits = visit_keys(holder_id(program.program_id, self.member_id), self.type)
        return wants._replace(usages=(*wants.usages, *habits))

    def grows_at(self, now: datetime) -> datetime:
        return self.occurred_at

    def needs_lots(self, program: Program) -> bool:
        return False

    def decide(self, books: Books) -> Decision:
        """One lot for each unit earned, for use at once. Refuses the future, and referrals that must not be."""
        books.check_occurred(self.occurred_at)
        return self._introduce(books) if self.type == REFERRAL else self._reward(books)

    def _introduce(self, books: Books) -> Decision:
        entry_id = books.new_entry_id()
        referral = introduce(books, self.member_id, self.referrer, entry_id)
        nothing: dict[str, Any] = {"points": 0, "growth": 0, "awards": []}
        draft = self._draft(books, entry_id, [], {"awards": []})
        return Decision([draft], self._answer(nothing, []), referrals=[referral])

    def _reward(self, books: Books) -> Decision:
        holder, entry_id = books.enrolled(self.member_id), books.new_entry_id()
        visit = activity_visit(
            books.usages, holder.holder_id, self.type, self.occurred_at, books.program.timezone
        )
        judged = judge(books, holder, self._occasion(), visit)
        booked = book(books, holder, entry_id, judged, self.occurred_at, pending_days=0)
        draft = self._draft(books, entry_id, booked.postings, judged.details())
        paid = pay(books, judged, entry_id, holder)
        answer = self._answer(judged.answer(), booked.lots)
        return Decision([draft, *paid], answer, uses=[*visit.uses, *judged.uses])

    def _occasion(self) -> Occasion:
        return Occasion(self.type, self.member_id, self.occurred_at, self.source, activity=self.attributes)

    def _draft(self, books: Books, entry_id: bytes, postings: list[Any], details: dict[str, Any]) -> Draft:
        told: dict[str, Any] = {"type": self.type}
        if self.type == REFERRAL:
            # Who brought whom stays in the books: it is an id, and rewards hang on it.
            told["attributes"] = {"referrer": self.referrer}
        # Clicks keep no points alive: only what is bought and spent moves a rolling expiry.
        return Draft(
            "activity",
            books.enrolled(self.member_id).holder_id,
            entry_id,
            self.occurred_at,
            postings,
            told | details,
            self.source,
            self.activity_id,
            texts={"attributes": dict(self.attributes)} if self.attributes else None,
        )

    def _answer(self, earned: dict[str, Any], lots: list[dict[str, Any]]) -> dict[str, Any]:
        return {"activity_id": self.activity_id, "type": self.type, **earned, "lots": lots}
