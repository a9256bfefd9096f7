"""Bugs of thought about rules: each is put into the ledger by one patch, and seen by a law of rules on the books."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.rules import awarding, engine, fences, rulebook
from ledger.rules.fences import Fences, Keys
from tests.profiles import profile
from tests.properties import test_rules_on_the_books as law

Patch = pytest.MonkeyPatch
# One bug is enough, and as it is first seen.
LOOK = profile(5_000, report_multiple_bugs=False, phases=(Phase.generate,))
SEEN = (AssertionError, LedgerError, KeyError)


@LOOK
@given(law.happenings(), st.data())
def fences_hold(happening: law.Happening, data: st.DataObject) -> None:
    law.live_through(happening, data)


@LOOK
@given(law.happenings(), st.data())
def nothing_else_matters(happening: law.Happening, data: st.DataObject) -> None:
    law.compare(happening, data)


def awards_are_not_counted(patch: Patch) -> None:
    patch.setattr(Fences, "uses", property(lambda _: []))


def a_batch_forgets_what_its_first_half_used(patch: Patch) -> None:
    begun: list[Any] = []

    def used(books: Any, _before: Any) -> Any:
        # What the books held when the batch began.
        if not begun or begun[0] is not books.usages:
            begun[:] = [books.usages, dict(books.usages)]
        return begun[1]

    patch.setattr(awarding, "_used", used)


def an_event_forgets_what_its_first_rule_used(patch: Patch) -> None:
    real = Fences._used_of

    def used_of(self: Fences, cap: Any, key: Any) -> Any:
        kept, self._used = self._used, {}
        try:
            return real(self, cap, key)
        finally:
            self._used = kept

    patch.setattr(Fences, "_used_of", used_of)


def every_day_is_the_first(patch: Patch) -> None:
    patch.setattr(fences, "period_of", lambda _cap, day: day.isoformat())


def an_operators_cap_is_each_members(patch: Patch) -> None:
    def of(self: Keys, cap: Any) -> Any:
        return None if cap.name == "transaction" else (self._holder_id, cap.subject, cap.name)

    patch.setattr(Keys, "of", of)


def a_campaign_has_no_caps(patch: Patch) -> None:
    real = Fences.admit

    def admit(self: Fences, wanted: int, caps: Any, once: Any, funds: Any) -> Any:
        return real(self, wanted, [cap for cap in caps if cap.campaign is None], once, funds)

    patch.setattr(Fences, "admit", admit)


def once_is_not_remembered(patch: Patch) -> None:
    patch.setattr(Fences, "was_given", lambda *_: False)


def the_first_fund_pays_alone(patch: Patch) -> None:
    real = Fences._paid

    def paid(self: Fences, admitted: Any, funds: Any) -> Any:
        return real(self, admitted, dict(list(funds.items())[:1]))

    patch.setattr(Fences, "_paid", paid)


def two_awards_spend_the_same_points(patch: Patch) -> None:
    real = Fences._paid

    def paid(self: Fences, admitted: Any, funds: Any) -> Any:
        spends, self.spends = self.spends, {}
        try:
            return real(self, admitted, funds)
        finally:
            self.spends = spends

    patch.setattr(Fences, "_paid", paid)


def what_was_cut_is_told_uncut(patch: Patch) -> None:
    real = Fences.admit

    def admit(self: Fences, wanted: int, *rest: Any) -> Any:
        return real(self, wanted, *rest)._replace(given=wanted) if wanted > 300 else real(self, wanted, *rest)

    patch.setattr(Fences, "admit", admit)


def rules_are_taken_as_they_were_written(patch: Patch) -> None:
    real = rulebook._standing

    def standing(sets: Any) -> Any:
        # As if the order of writing were a priority.
        found = real(sets)
        return [(owned, replace(rule, priority=-place)) for place, (owned, rule) in enumerate(found)]

    patch.setattr(rulebook, "_standing", standing)


def an_arm_depends_on_the_program(patch: Patch) -> None:
    real = engine._arm_in

    def arm_in(experiment: Any, facts: Any, arms: Any) -> str:
        member = facts.member._replace(member_id=facts.holder_id.hex())
        return real(experiment, facts._replace(member=member), arms)

    patch.setattr(engine, "_arm_in", arm_in)


BUGS: tuple[tuple[Callable[[Patch], None], Callable[[], None]], ...] = (
    (awards_are_not_counted, fences_hold),
    (a_batch_forgets_what_its_first_half_used, nothing_else_matters),
    (an_event_forgets_what_its_first_rule_used, fences_hold),
    (every_day_is_the_first, fences_hold),
    (an_operators_cap_is_each_members, fences_hold),
    (a_campaign_has_no_caps, fences_hold),
    (once_is_not_remembered, fences_hold),
    (the_first_fund_pays_alone, fences_hold),
    (two_awards_spend_the_same_points, fences_hold),
    (what_was_cut_is_told_uncut, fences_hold),
    (rules_are_taken_as_they_were_written, nothing_else_matters),
    (an_arm_depends_on_the_program, nothing_else_matters),
)


@pytest.mark.parametrize(("plant", "look"), BUGS, ids=lambda each: getattr(each, "__name__", None))
def test_bug_is_seen_by_its_law(
    plant: Callable[[Patch], None], look: Callable[[], None], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    with pytest.raises(SEEN):
        look()
