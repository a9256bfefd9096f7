"""What the ledger should do, as plainly as it can be said: dictionaries, lists and loops.

Written from the documents, not from the engine, of which it uses nothing but the commands as values. It is
slow and keeps everything; where it and the engine differ, one of them is wrong. Entries and lots have small
numbers here, ``ent#3`` and ``lot#7``, in the order in which they come to be.
"""

import copy
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.program import Program
from ledger.journal import Request
from ledger.journal.commands import Command
from ledger.redemption.adjustments import Adjust
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.holds import PlaceHold
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Purchase
from ledger.rules.returns import Return
from tests.model.decisions import Decisions
from tests.model.facts import Refusal

FORGOTTEN: Final = frozenset(
    {
        "member_unknown",
        "purchase_unknown",
        "redemption_unknown",
        "entry_unknown",
        "hold_unknown",
        "idempotency_key_reused",
        "batch_aborted",
    }
)
"""Refusals that are not a key's answer: what is absent may come, and the first answer keeps the key."""


_NAMES: Final[dict[type[Command], tuple[str, str]]] = {
    Purchase: ("purchase", "purchase_id"),
    Earning: ("earning", "reference"),
    Redeem: ("redemption", "reference"),
    PlaceHold: ("hold", "reference"),
    Refund: ("refund", "reference"),
    Return: ("return", "return_id"),
    Transfer: ("transfer", "reference"),
    Reverse: ("reversal", "entry_id"),
}
"""The name of the business that each command takes, for ever: its kind, and where the command has it."""


class Expected(NamedTuple):
    """What an answer should be. Ids in it are the model's numbers."""

    body: dict[str, Any] | None
    code: str | None = None
    details: dict[str, Any] | None = None
    replayed: bool = False


class Model(Decisions):
    """A program's books as they should be: batches in, what should be answered out."""

    def __init__(self, program: Program, terms: dict[str, Any]) -> None:
        super().__init__(program, terms)
        self.answers: dict[str, tuple[Command, Expected]] = {}

    def post(
        self, requests: Sequence[Request], now: datetime, *, atomic: bool = False, dry_run: bool = False
    ) -> list[Expected]:
        """What the batch should answer; the books move on unless it is a dry run or was aborted."""
        books = copy.deepcopy(self) if atomic or dry_run else self
        known = set(self.answers)
        concerned = self._concerned(requests)
        present = self._present(concerned, now)
        books.let_holds_lapse(concerned, present)
        expected = [books._answer(request, present, dry_run) for request in requests]
        refused = next((i for i, e in enumerate(expected) if e.code is not None), None)
        if atomic and refused is not None:
            aborted = Expected(None, "batch_aborted", {"index": refused})
            return [
                # A replay is a fact of the books only if it was answered before this batch.
                e if e.code is not None or (e.replayed and r.key in known) else aborted
                for r, e in zip(requests, expected, strict=True)
            ]
        if atomic and not dry_run:
            self.__dict__ = books.__dict__
        return expected

    def _concerned(self, requests: Sequence[Request]) -> list[str]:
        """The members whose books the batch may look into."""
        concerned: set[str] = set()
        for request in requests:
            concerned.update(request.command.members)
            event = self.event_of(request.command)
            if event is not None:
                concerned.update(name for name in (event.member, event.peer) if name)
        return sorted(concerned & self.members.keys())

    def _present(self, concerned: Sequence[str], now: datetime) -> datetime:
        """A holder's books never run against time: the latest of the clock and what the holders have seen."""
        seen = [self.members[name].recorded for name in concerned]
        return max([now, *(moment for moment in seen if moment is not None)])

    def _answer(self, request: Request, now: datetime, dry_run: bool) -> Expected:
        if request.key is not None and request.key in self.answers:
            command, first = self.answers[request.key]
            if command == request.command:
                return first._replace(replayed=True)
            return Expected(None, "idempotency_key_reused", {})
        try:
            body = self._post(request.command, now)
            if dry_run:
                body["dry_run"] = True
            expected = Expected(body)
        except Refusal as refusal:
            expected = Expected(None, refusal.code, refusal.details)
            if refusal.code in FORGOTTEN:
                return expected
        if request.key is not None:
            self.answers[request.key] = (request.command, expected)
        return expected

    def _post(self, command: Command, now: datetime) -> dict[str, Any]:
        name = self._name_of(command)
        if name is not None and name in self.names:
            raise _taken(name, self.names[name])
        first_number = len(self.events)
        body = self.decide(command, now)
        if len(self.events) == first_number:
            return body
        first = self.events[first_number]
        if name is not None:
            self.names[name] = first_number
        member = self.members[first.member]
        answer = {"entry_id": f"ent#{first_number}", "kind": first.kind, **body}
        # Of the entry that answers; the balance tells of the last.
        own = [event for event in self.events[first_number:] if event.member == first.member]
        answer["account_version"] = len(member.events) - len(own) + 1
        answer["balance"] = self.balance(first.member, now)
        return answer

    @staticmethod
    def _name_of(command: Command) -> tuple[str, str] | None:
        if isinstance(command, Adjust):
            return "adjustment", command.wanted.reference or command.adjustment_id
        if type(command) not in _NAMES:
            return None
        kind, attribute = _NAMES[type(command)]
        return kind, getattr(command, attribute)


def _taken(name: tuple[str, str], number: int) -> Refusal:
    kind, reference = name
    entry = f"ent#{number}"
    if kind == "purchase":
        return Refusal("purchase_exists", purchase_id=reference, entry_id=entry)
    if kind == "return":
        return Refusal("return_exists", return_id=reference, entry_id=entry)
    if kind == "reversal":
        return Refusal("entry_already_reversed", entry_id=reference, reversal_entry_id=entry)
    return Refusal("reference_exists", reference=reference, entry_id=entry)
