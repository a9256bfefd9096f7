"""What a replay lets the rules see of an event: the facts of a posting, with the member's habits counted on the way."""

from collections.abc import Sequence
from typing import Any

from ledger.accounts.program import Program
from ledger.ids import holder_id, operator_name
from ledger.journal.commands import Source
from ledger.journal.wants import UNUSED, Usage, UsageKey, count_up
from ledger.rules.facts import PURCHASE, REFERRAL, REFERRER, Facts, Line, MemberFacts
from ledger.rules.simulation.events import Event, Member
from ledger.rules.visits import Visit, activity_visit, purchase_visit, visits_key

_new = tuple.__new__


class Occasions:
    """The occasions of one member, event by event in their order."""

    def __init__(self, program: Program, member: Member) -> None:
        self._program = program
        self._member = member
        self._habits: dict[UsageKey, Usage] = {}
        self._referrer: str | None = None
        """Who brought the member, until the first purchase."""

    def of(self, event: Event) -> tuple[Facts, ...]:
        """The occasions of an event; growth, points and tier are left to each world. None is one of no rule."""
        kind = event.details["type"] if event.kind == "activity" else event.kind
        if kind == REFERRAL and event.kind == "activity":
            # Who is brought earns nothing by it until the first purchase.
            self._referrer = event.details["attributes"]["referrer"]
            return ()
        visit = self._visit(event, kind)
        if event.kind == "activity":
            return (self._facts(event, kind, visit),)
        if event.kind == "referral":
            return (self._facts(event, REFERRER, visit),)
        purchase = self._facts(event, PURCHASE, visit)
        if visit.visits > 1 or self._referrer is None:
            return (purchase,)
        return purchase, purchase._replace(occasion=REFERRAL, activity={"referrer": self._referrer})

    def _visit(self, event: Event, kind: str) -> Visit:
        habits, holder, at, timezone = (
            self._habits,
            self._member.holder_id,
            event.effective_at,
            self._program.timezone,
        )
        if event.kind == "referral":
            return Visit(habits.get(visits_key(holder), UNUSED).times, 0, ())
        if event.kind == "activity":
            visit = activity_visit(habits, holder, kind, at, timezone)
        else:
            visit = purchase_visit(habits, holder, at, timezone)
        count_up(habits, visit.uses)
        return visit

    def _facts(self, event: Event, occasion: str, visit: Visit) -> Facts:
        program, member, details = self._program, self._member, event.details
        lines = lines_of(details.get("lines", ()))
        spent = sum([line.amount for line in lines])
        row, cash = member.row, details.get("cash")
        known = MemberFacts(
            member.member_id,
            "",
            0,
            0,
            visit.visits,
            visit.streak,
            row.region or "",
            row.store or "",
            row.enrolled_at,
            row.attributes,
        )
        operator = event.operator
        return Facts(
            occasion,
            event.effective_at,
            program.timezone,
            program.currency,
            lines,
            spent,
            spent if cash is None else cash,
            known,
            Source(event.channel, event.store, event.region, operator),
            details.get("attributes", {}),
            member.holder_id,
            holder_id(program.program_id, operator_name(operator)) if operator else None,
        )


def lines_of(stored: Sequence[dict[str, Any]]) -> tuple[Line, ...]:
    """The lines in the details of an entry."""
    # By the constructor of tuples, which takes a third of the time: a year has more than a million lines.
    return tuple(
        [
            _new(
                Line,
                (line["line_id"], line["quantity"], line["amount"], line.get("sku"), line.get("category")),
            )
            for line in stored
        ]
    )
