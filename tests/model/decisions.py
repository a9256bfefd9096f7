"""What each command should do to the members' books: the rules, as the documents tell them.

A command that is refused moves nothing: every check comes before the first change.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ledger.accounts.program import Program
from ledger.expiry.commands import ExpireLots, LapseHolds
from ledger.journal.commands import Command
from ledger.redemption.adjustments import Adjust
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Purchase
from ledger.rules.returns import Return
from tests.model.calendar import end_of_life
from tests.model.facts import (
    MAX,
    SKEW,
    Event,
    Hold,
    Lot,
    Member,
    Refusal,
    is_alive,
    show,
    show_draw,
    show_lot,
    take,
)


class Decisions:
    """The members' books, and what commands do to them."""

    def __init__(self, program: Program, terms: dict[str, Any]) -> None:
        self.program = program
        self.terms = terms
        self.terms_version = 1
        self.members: dict[str, Member] = {}
        self.events: list[Event] = []
        self.lots: list[Lot] = []
        self.names: dict[tuple[str, str], int] = {}
        """The event that took each name of the business."""
        self.ids: dict[str, int] = {}
        """Which event an id of the ledger (32 hex digits) stands for: learned, never made."""

    def change_terms(self, terms: dict[str, Any]) -> None:
        self.terms = terms
        self.terms_version += 1

    def decide(self, command: Command, now: datetime) -> dict[str, Any]:
        rules: dict[type[Command], Callable[[Any, datetime], dict[str, Any]]] = {
            Purchase: self._purchase,
            Earning: self._earning,
            Redeem: self._redeem,
            Refund: self._refund,
            Return: self._return,
            Transfer: self._transfer,
            Reverse: self._reverse,
            PlaceHold: self._hold,
            CaptureHold: self._capture,
            ReleaseHold: self._release,
            Adjust: self._adjust,
            ExpireLots: self._expire,
            # Whoever looks into a member's books has the holds lapse first: nothing is left to do.
            LapseHolds: lambda *_: {},
        }
        return rules[type(command)](command, now)

    def event_of(self, command: Command) -> Event | None:
        if isinstance(command, Return):
            number = self.names.get(("purchase", command.purchase_id))
        elif isinstance(command, Refund):
            number = self.ids.get(command.redemption_id.removeprefix("red_"))
        elif isinstance(command, CaptureHold | ReleaseHold):
            number = self.ids.get(command.hold_id.removeprefix("hld_"))
        elif isinstance(command, Reverse):
            number = self.ids.get(command.entry_id.removeprefix("ent_"))
        else:
            return None
        return None if number is None else self.events[number]

    # --- earning ---------------------------------------------------------------------------------

    def _purchase(self, command: Purchase, now: datetime) -> dict[str, Any]:
        occurred = command.occurred_at
        self._check_occurred(occurred, now)
        if command.currency != self.program.currency:
            raise Refusal("currency_mismatch", currency=command.currency, expected=self.program.currency)
        spent = sum(line.amount for line in command.lines)
        if spent > MAX:
            raise Refusal("amount_too_large", limit=MAX)
        points, growth = self._earned("points", spent), self._earned("growth", spent)
        ends = self._end_of("points_expiry", occurred)
        is_rolling = self.terms["points_expiry"]["kind"] == "rolling"
        grants = []
        if points:
            available = occurred + timedelta(days=self.terms["pending_days"])
            grants.append(Lot(0, "POINT", points, points, occurred, available, ends, is_rolling))
        if growth:
            until = self._end_of("growth_expiry", occurred)
            grants.append(Lot(0, "GROWTH", growth, growth, occurred, occurred, until, False))
        event = self._earn("earn", command.member_id, occurred, grants, ends if is_rolling else None, now)
        event.currency = command.currency
        event.bought = {line.line_id: (line.quantity, line.amount) for line in command.lines}
        inputs = {"spent": {"amount": spent, "currency": command.currency}}
        awards = [
            {
                "rule": "base",
                "rule_version": self.terms_version,
                "unit": unit,
                "amount": amount,
                "inputs": inputs | self.terms[terms],
            }
            for unit, terms, amount in (("POINT", "points", points), ("GROWTH", "growth", growth))
            if amount
        ]
        return {
            "purchase_id": command.purchase_id,
            "points": points,
            "growth": growth,
            "awards": awards,
            "lots": [show_lot(lot) for lot in event.awards],
        }

    def _earned(self, unit: str, spent: int) -> int:
        """``per`` for every ``amount`` of money; value given out is floored."""
        rate = self.terms[unit]
        return int(spent * rate["per"] // rate["amount"])

    def _earning(self, command: Earning, now: datetime) -> dict[str, Any]:
        available = command.available_at or now
        ends = command.expires_at or self._end_of("points_expiry", available)
        if ends is not None and (ends <= available or ends <= now):
            raise Refusal("lot_window_empty", available_at=show(available), expires_at=show(ends))
        is_rolling = self.terms["points_expiry"]["kind"] == "rolling" and command.expires_at is None
        grant = Lot(0, "POINT", command.points, command.points, now, available, ends, is_rolling)
        event = self._earn("award", command.member_id, now, [grant], None, now)
        return {
            "reference": command.reference,
            "points": command.points,
            "lots": [show_lot(lot) for lot in event.awards],
        }

    def _earn(
        self, kind: str, name: str, at: datetime, grants: list[Lot], rolls_to: datetime | None, now: datetime
    ) -> Event:
        member = self.members.get(name, Member())
        self._check_room(member, grants, now)
        self.members[name] = member
        event = self._event(kind, name, at, now)
        self._activity(member, rolls_to, now)
        for lot in grants:
            self._open(member, lot)
        event.awards = grants
        self._repay(member, grants, now)
        return event

    # --- spending --------------------------------------------------------------------------------

    def _redeem(self, command: Redeem, now: datetime) -> dict[str, Any]:
        member = self._member(command.member_id)
        assert command.points is not None, "the model knows no quotes"
        draws = self._draw(member, command.points, now)
        shown = [show_draw(lot, points) for lot, points in draws]
        event = self._event("redeem", command.member_id, now, now)
        is_rolling = self.terms["points_expiry"]["kind"] == "rolling"
        self._activity(member, self._end_of("points_expiry", now) if is_rolling else None, now)
        for lot, points in draws:
            lot.left -= points
        event.draws = draws
        return {
            "redemption_id": f"red#{event.number}",
            "reference": command.reference,
            "points": command.points,
            "draws": shown,
        }

    def _draw(self, member: Member, points: int, now: datetime) -> list[tuple[Lot, int]]:
        spendable = [
            lot for lot in member.lots if lot.unit == "POINT" and lot.is_live(now) and lot.available <= now
        ]
        available = sum(lot.left for lot in spendable)
        if available < points:
            raise Refusal("insufficient_points", available=available, requested=points)
        return take(spendable, points)

    def _refund(self, command: Refund, now: datetime) -> dict[str, Any]:
        redemption = self.event_of(command)
        if redemption is None or redemption.kind not in ("redeem", "capture"):
            raise Refusal("redemption_unknown", redemption_id=command.redemption_id)
        _check_not_reversed(redemption)
        refundable = sum(points for _, points in redemption.draws) - sum(redemption.refunded.values())
        if command.points > refundable:
            raise Refusal("refund_exceeds_redemption", refundable=refundable, requested=command.points)
        body = self._restore("refund", redemption, command.points, now)
        return {
            "redemption_id": command.redemption_id,
            "reference": command.reference,
            "points": command.points,
            **body,
        }

    def _restore(self, kind: str, redemption: Event, points: int, now: datetime) -> dict[str, Any]:
        """Back to the very lots, newest draw first. What lapsed meanwhile lapses again, or gets some grace."""
        shares = []
        for lot, drawn in reversed(redemption.draws):
            share = min(points, drawn - redemption.refunded.get(lot.number, 0))
            points -= share
            if share:
                shares.append((lot, share))
        stays = self.terms["lapsed_refund"]["policy"] == "grace"
        member = self.members[redemption.member]
        self._check_return_room(member, [s for s in shares if stays or is_alive(s[0], now)], now)
        self._event(kind, redemption.member, now, now)
        for lot, share in shares:
            redemption.refunded[lot.number] = redemption.refunded.get(lot.number, 0) + share
        return self._give_back(member, shares, now)

    def _give_back(self, member: Member, shares: list[tuple[Lot, int]], now: datetime) -> dict[str, Any]:
        policy = self.terms["lapsed_refund"]
        alive, lapsed, grace = [], [], 0
        for lot, share in shares:
            if is_alive(lot, now):
                lot.left += share
                alive.append((lot, share))
                continue
            lapsed.append((lot, share))
            if policy["policy"] == "grace":
                grace += share
            else:
                lot.lapsed += share
        graced = None
        if grace:
            until = now + timedelta(days=policy["grace_days"])
            graced = self._open(member, Lot(0, "POINT", grace, grace, now, now, until, False))
        repaid = self._repay(member, alive + ([(graced, grace)] if graced else []), now)
        return {
            "restored": [show_draw(*each) for each in alive],
            "lapsed": [show_draw(*each) for each in lapsed],
            "lapsed_policy": policy["policy"],
            "grace_lot": show_draw(graced, grace) if graced else None,
            "debt_repaid": repaid,
        }

    def _transfer(self, command: Transfer, now: datetime) -> dict[str, Any]:
        if command.from_member_id == command.to_member_id:
            raise Refusal("same_member", member_id=command.from_member_id)
        sender, recipient = self._member(command.from_member_id), self._member(command.to_member_id)
        draws = self._draw(sender, command.points, now)
        arriving = [
            Lot(0, "POINT", points, points, now, lot.available, lot.ends, lot.rolling)
            for lot, points in draws
        ]
        self._check_room(recipient, arriving, now)
        leaving = self._event("transfer_out", command.from_member_id, now, now, command.to_member_id)
        for lot, points in draws:
            lot.left -= points
        self._event("transfer_in", command.to_member_id, now, now, command.from_member_id)
        for lot in arriving:
            self._open(recipient, lot)
        self._repay(recipient, arriving, now)
        leaving.draws, leaving.arrived = draws, arriving
        return {
            "transfer_id": f"trf#{leaving.number}",
            "reference": command.reference,
            "from_member_id": command.from_member_id,
            "to_member_id": command.to_member_id,
            "points": command.points,
            "draws": [show_draw(*each) for each in draws],
        }

    def _adjust(self, command: Adjust, now: datetime) -> dict[str, Any]:
        """Added into a lot of its own, a debt repaid first; or taken like what is spent, and nothing is owed."""
        wanted, moved = command.wanted, abs(command.wanted.points)
        member = self._member(wanted.member_id)
        draws, added = [], None
        if wanted.points < 0:
            draws = self._draw(member, moved, now)
        else:
            is_rolling = self.terms["points_expiry"]["kind"] == "rolling"
            added = Lot(0, "POINT", moved, moved, now, now, self._end_of("points_expiry", now), is_rolling)
            self._check_room(member, [added], now)
        event = self._event("adjust", wanted.member_id, now, now)
        for lot, points in draws:
            lot.left -= points
        event.draws, event.awards = draws, [self._open(member, added)] if added else []
        shown = show_draw(added, moved) if added else None
        return {
            "adjustment_id": command.adjustment_id,
            **wanted._asdict(),
            "status": "approved",
            "proposed_by": command.by.proposed_by,
            "approved_by": command.by.approved_by,
            "draws": [show_draw(*each) for each in draws],
            "lot": shown,
            "debt_repaid": self._repay(member, event.awards, now),
        }

    # --- taking back -----------------------------------------------------------------------------

    def _return(self, command: Return, now: datetime) -> dict[str, Any]:
        purchase = self.event_of(command)
        if purchase is None:
            raise Refusal("purchase_unknown", purchase_id=command.purchase_id)
        self._check_occurred(command.occurred_at, now)
        if command.occurred_at < purchase.at:
            raise Refusal(
                "return_before_purchase",
                occurred_at=show(command.occurred_at),
                purchased_at=show(purchase.at),
            )
        _check_not_reversed(purchase)
        returned = dict(purchase.returned)
        for line in command.lines:
            bought, before = (book.get(line.line_id, (0, 0)) for book in (purchase.bought, returned))
            if before[0] + line.quantity > bought[0] or before[1] + line.amount > bought[1]:
                raise Refusal(
                    "return_exceeds_purchase",
                    line_id=line.line_id,
                    returnable_quantity=bought[0] - before[0],
                    returnable_amount=bought[1] - before[1],
                )
            returned[line.line_id] = (before[0] + line.quantity, before[1] + line.amount)
        total = sum(amount for _, amount in purchase.bought.values())
        kept = total - sum(amount for _, amount in returned.values())
        member = self.members[purchase.member]
        debt_before = member.debt
        points, growth, shortfall = self._take_back("return", purchase, kept, total, command.occurred_at, now)
        purchase.returned = returned
        return {
            "return_id": command.return_id,
            "purchase_id": command.purchase_id,
            "points_clawed_back": points,
            "growth_clawed_back": growth,
            "points_refunded": 0,
            "cash_refund": {
                "amount": sum(line.amount for line in command.lines),
                "currency": purchase.currency,
            },
            "shortfall": shortfall,
            "debt": debt_before + shortfall,
            # No terms of the model deduct anything from the cash.
            **({"shortfall_policy": "debt", "deducted": None} if shortfall else {}),
        }

    def _take_back(
        self, kind: str, award: Event, kept: int, total: int, at: datetime, now: datetime
    ) -> tuple[int, int, int]:
        """Leave ``kept`` of ``total`` of each award, rounded down, in all: what went back before counts.

        What the clock has taken is forgiven. Points come from the award's own lots, then from whatever else
        the member has alive, pending or not; what is missing is owed, up to the limit.
        """
        member = self.members[award.member]
        wanted = {"POINT": 0, "GROWTH": 0}
        for lot in award.awards:
            keeps = lot.amount * kept // total if total else 0
            clock_took = lot.lapsed + (0 if lot.is_live(now) else lot.left)
            due = min(lot.amount - keeps, lot.amount - clock_took)
            wanted[lot.unit] += max(0, due - award.taken_back[lot.unit])
        own = [lot for lot in award.awards if lot.unit == "POINT" and lot.is_live(now)]
        others = [
            lot
            for lot in member.lots
            if lot.unit == "POINT" and lot.is_live(now) and all(lot is not mine for mine in own)
        ]
        draws = take(own, wanted["POINT"])
        draws += take(others, wanted["POINT"] - sum(points for _, points in draws))
        shortfall = wanted["POINT"] - sum(points for _, points in draws)
        limit = self.terms["debt_limit"]
        if shortfall and member.debt + shortfall > limit:
            raise Refusal("debt_limit_exceeded", debt=member.debt, shortfall=shortfall, limit=limit)
        self._event(kind, award.member, at, now)
        for lot, points in draws:
            lot.left -= points
        for lot in award.awards:
            if lot.unit == "GROWTH":
                lot.left -= wanted["GROWTH"]
        member.debt += shortfall
        for unit, amount in wanted.items():
            award.taken_back[unit] += amount
        return wanted["POINT"], wanted["GROWTH"], shortfall

    def _reverse(self, command: Reverse, now: datetime) -> dict[str, Any]:
        entry = self.event_of(command)
        if entry is None:
            raise Refusal("entry_unknown", entry_id=command.entry_id)
        number = len(self.events)
        if entry.kind in ("earn", "award") or (entry.kind == "adjust" and entry.awards):
            points, growth, shortfall = self._take_back("reversal", entry, 0, 1, now, now)
            body = {"points_clawed_back": points, "growth_clawed_back": growth, "shortfall": shortfall}
        elif entry.kind in ("redeem", "capture", "adjust"):
            left = sum(points for _, points in entry.draws) - sum(entry.refunded.values())
            body = {"points": left, **self._restore("reversal", entry, left, now)}
        elif entry.kind == "transfer_out":
            body = self._undo_transfer(entry, now)
        else:
            raise Refusal("entry_not_reversible", entry_id=command.entry_id, kind=entry.kind)
        entry.reversed_by = number
        return {"reversed_entry_id": command.entry_id, "reason": command.reason, **body}

    def _undo_transfer(self, entry: Event, now: datetime) -> dict[str, Any]:
        """All of it must still be there, alive, in the lots in which it arrived."""
        moved = sum(points for _, points in entry.draws)
        there = sum(lot.left for lot in entry.arrived if lot.is_live(now))
        if there < moved:
            raise Refusal("insufficient_points", available=there, requested=moved)
        sender = self.members[entry.member]
        self._check_return_room(sender, entry.draws, now)
        self._event("reversal", entry.member, now, now, entry.peer)
        for lot, points in entry.draws:
            lot.left += points
        self._repay(sender, entry.draws, now)
        self._event("reversal", entry.peer, now, now, entry.member)
        for lot in entry.arrived:
            lot.left = 0
        return {"points": moved}

    # --- holds -----------------------------------------------------------------------------------

    def _hold(self, command: PlaceHold, now: datetime) -> dict[str, Any]:
        member = self._member(command.member_id)
        assert command.points is not None, "the model knows no quotes"
        draws = self._draw(member, command.points, now)
        event = self._event("hold", command.member_id, now, now)
        ends = now + timedelta(seconds=command.expires_in)
        event.held = Hold(event.number, command.member_id, draws, ends)
        member.holds.append(event.held)
        shown = [show_draw(*each) for each in draws]
        for lot, points in draws:
            lot.left -= points
        return {
            "hold_id": f"hld#{event.number}",
            "reference": command.reference,
            "status": "open",
            "points": command.points,
            "expires_at": show(ends),
            "draws": shown,
            "quote_id": None,
        }

    def _capture(self, command: CaptureHold, now: datetime) -> dict[str, Any]:
        """What is captured is honoured, whatever has become of its lots; the rest goes back in drawing order."""
        hold = self._open_hold(command)
        points = hold.points if command.points is None else command.points
        if points > hold.points:
            raise Refusal("capture_exceeds_hold", held=hold.points, requested=points)
        taken, rest, left = [], [], points
        for lot, amount in hold.draws:
            part = min(left, amount)
            left -= part
            taken += [(lot, part)] if part else []
            rest += [(lot, amount - part)] if part < amount else []
        event = self._event("capture", hold.member, now, now)
        event.draws, member = taken, self.members[hold.member]
        shown = [show_draw(*each) for each in taken]
        back = [show_draw(lot, amount) for lot, amount in rest if is_alive(lot, now)]
        is_rolling = self.terms["points_expiry"]["kind"] == "rolling"
        self._activity(member, self._end_of("points_expiry", now) if is_rolling else None, now)
        hold.status = "captured"
        restored = self._give_back(member, rest, now)
        return {
            "hold_id": command.hold_id,
            "redemption_id": f"red#{event.number}",
            "reference": self._reference(hold),
            "status": "captured",
            "points": points,
            "released": hold.points - points,
            "draws": shown,
            **restored,
            "restored": back,
        }

    def _release(self, command: ReleaseHold, now: datetime) -> dict[str, Any]:
        hold = self._open_hold(command)
        self._event("release", hold.member, now, now)
        hold.status = "released"
        restored = self._give_back(self.members[hold.member], hold.draws[::-1], now)
        return {
            "hold_id": command.hold_id,
            "reference": self._reference(hold),
            "status": "released",
            "points": hold.points,
            **restored,
        }

    def _open_hold(self, command: CaptureHold | ReleaseHold) -> Hold:
        event = self.event_of(command)
        if event is None or event.held is None:
            raise Refusal("hold_unknown", hold_id=command.hold_id)
        if event.held.status != "open":
            raise Refusal("hold_not_open", hold_id=command.hold_id, hold_status=event.held.status)
        return event.held

    def _reference(self, hold: Hold) -> str:
        (name,) = [
            name for (kind, name), number in self.names.items() if (kind, number) == ("hold", hold.number)
        ]
        return name

    def let_holds_lapse(self, names: Sequence[str], now: datetime) -> None:
        """What is due has ended by itself, at its own instant: what had lapsed by then expires, the rest is back."""
        for member in (self.members[name] for name in names):
            due = [hold for hold in member.holds if hold.status == "open" and hold.ends <= now]
            for hold in sorted(due, key=lambda hold: (hold.ends, hold.number)):
                self._event("release", hold.member, hold.ends, now)
                hold.status = "lapsed"
                for lot, points in hold.draws:
                    if is_alive(lot, hold.ends):
                        lot.left += points
                    else:
                        lot.lapsed += points
                self._repay(member, [each for each in hold.draws if is_alive(each[0], hold.ends)], hold.ends)

    # --- expiry ----------------------------------------------------------------------------------

    def _expire(self, command: ExpireLots, now: datetime) -> dict[str, Any]:
        member = self._member(command.member_id)
        until = min(command.until, now)
        due = [lot for lot in member.lots if lot.left and lot.ends is not None and lot.ends <= until]
        taken = {unit: sum(lot.left for lot in due if lot.unit == unit) for unit in ("POINT", "GROWTH")}
        for instant in sorted({lot.ends for lot in due if lot.ends is not None}):
            self._event("expire", command.member_id, instant, now)
            for lot in due:
                if lot.ends == instant:
                    lot.lapsed += lot.left
                    lot.left = 0
        return {
            "points": taken["POINT"],
            "growth": taken["GROWTH"],
            "lots": len(due),
            "until": show(command.until),
        }

    # --- what they share -------------------------------------------------------------------------

    def balance(self, name: str, now: datetime) -> dict[str, Any]:
        member = self.members[name]
        points = [lot for lot in member.lots if lot.unit == "POINT" and lot.is_live(now)]
        ends = sorted(lot.ends for lot in points if lot.ends is not None)
        next_expiry = ends and {
            "points": sum(lot.left for lot in points if lot.ends == ends[0]),
            "expires_at": show(ends[0]),
        }
        return {
            "member_id": name,
            "as_of": show(now),
            "points": {
                "available": sum(lot.left for lot in points if lot.available <= now),
                "pending": sum(lot.left for lot in points if lot.available > now),
                "held": member.held,
                "debt": member.debt,
                "next_expiry": next_expiry or None,
            },
            "growth": {
                "value": sum(lot.left for lot in member.lots if lot.unit == "GROWTH" and lot.is_live(now))
            },
            "tier": None,
            "account_version": len(member.events),
        }

    def _member(self, name: str) -> Member:
        if name not in self.members:
            raise Refusal("member_unknown", member_id=name)
        return self.members[name]

    def _event(self, kind: str, name: str, at: datetime, now: datetime, peer: str = "") -> Event:
        event = Event(len(self.events), kind, name, at, peer=peer)
        self.events.append(event)
        member = self.members[name]
        member.events.append(event)
        member.recorded = now
        return event

    def _open(self, member: Member, lot: Lot) -> Lot:
        lot.number = len(self.lots)
        self.lots.append(lot)
        member.lots.append(lot)
        return lot

    def _end_of(self, policy: str, start: datetime) -> datetime | None:
        return end_of_life(self.terms[policy], start, self.program.timezone)

    def _activity(self, member: Member, rolls_to: datetime | None, now: datetime) -> None:
        """Rolling lots live on from the member's last activity; it does not raise the dead."""
        held = [lot for hold in member.holds if hold.status == "open" for lot, _ in hold.draws]
        for lot in member.lots:
            has_any = lot.left or any(lot is each for each in held)
            if rolls_to and lot.rolling and has_any and lot.ends is not None and now < lot.ends < rolls_to:
                lot.ends = rolls_to

    def _repay(self, member: Member, arriving: Sequence[Lot | tuple[Lot, int]], now: datetime) -> int:
        """Points that reach a member in debt repay it first. What the clock has taken reaches nobody."""
        repaid = 0
        for each in arriving:
            lot, points = each if isinstance(each, tuple) else (each, each.left)
            if lot.unit == "POINT" and lot.is_live(now):
                share = min(points, member.debt)
                lot.left -= share
                member.debt -= share
                repaid += share
        return repaid

    @staticmethod
    def _check_occurred(occurred: datetime, now: datetime) -> None:
        if occurred > now + SKEW:
            raise Refusal("occurred_in_future", occurred_at=show(occurred), now=show(now))

    @staticmethod
    def _check_room(member: Member, arriving: list[Lot], now: datetime) -> None:
        """No balance may exceed what JSON's readers count exactly."""
        for unit in ("POINT", "GROWTH"):
            lots = [lot for lot in arriving if lot.unit == unit]
            amount = sum(lot.left for lot in lots)
            if unit == "POINT":
                amount -= min(member.debt, sum(lot.left for lot in lots if lot.is_live(now)))
            # What is held comes back one day.
            there = member.total(unit) + (member.held if unit == "POINT" else 0)
            if any(lot.amount > MAX for lot in lots) or there + amount > MAX:
                raise Refusal("amount_too_large", limit=MAX)

    @staticmethod
    def _check_return_room(member: Member, shares: list[tuple[Lot, int]], now: datetime) -> None:
        """The same for points that come back to their lots: those alive repay a debt before they count."""
        alive = sum(points for lot, points in shares if is_alive(lot, now))
        coming = sum(points for _, points in shares)
        if member.total("POINT") + member.held + coming - min(member.debt, alive) > MAX:
            raise Refusal("amount_too_large", limit=MAX)


def _check_not_reversed(event: Event) -> None:
    if event.reversed_by is not None:
        raise Refusal(
            "entry_already_reversed",
            entry_id=f"ent#{event.number}",
            reversal_entry_id=f"ent#{event.reversed_by}",
        )
