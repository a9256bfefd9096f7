"""Fences: what an award may not exceed. Once for ever, then caps (cut to what is left), then funds (all or nothing).

Usages and funds are what the books held before the event; what the event itself has used so far counts too.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.clock import local_date
from ledger.funds.share import is_share
from ledger.journal.commands import Source, Usage, UsageKey, Use
from ledger.rules.definitions import OPERATOR_DAY, TRANSACTION
from ledger.rules.facts import Facts

_NEVER = Usage()


class Cap(NamedTuple):
    """A limit on what a rule, or a campaign, gives to a member (or by an operator) in a period."""

    name: str
    limit: int
    subject: str
    campaign: str | None = None


class Admitted(NamedTuple):
    """What the fences let through, and the one that cut it."""

    given: int
    fence: str | None = None
    detail: Mapping[str, Any] = {}
    funds: tuple[str, ...] = ()


def subject_of(kind: str, code: str, unit: Unit) -> str:
    """What usages are counted under: ``rule/base``, ``campaign/spring``; growth value apart from points."""
    return f"{kind}/{code}" if unit is Unit.POINT else f"growth/{kind}/{code}"


def period_of(cap: str, day: date) -> str:
    """The period of a cap that a local day lies in: ``2026-11-22``, ``2026-W47``, ``2026-11``, or empty for ever."""
    if cap in {"day", OPERATOR_DAY}:
        return day.isoformat()
    if cap == "week":
        year, week, _weekday = day.isocalendar()
        return f"{year}-W{week:02}"
    return day.isoformat()[:7] if cap == "month" else ""


def keys_of(
    caps: Iterable[Cap], once: Iterable[str], holder_id: bytes, operator_holder_id: bytes | None, day: date
) -> list[UsageKey]:
    """The usages that these caps, and these subjects that are given once, must see; each once, in order."""
    found: dict[UsageKey, None] = {}
    for cap in caps:
        if (key := _key(cap, holder_id, operator_holder_id, day)) is not None:
            found[key] = None
    for subject in once:
        found[holder_id, subject, ""] = None
    return list(found)


def resolved(template: str, source: Source) -> str | None:
    """The fund that a template names for an event; None where the event names no such place, or none that fits."""
    if "{" not in template:
        return template
    for placeholder, place in (("{store}", source.store), ("{region}", source.region)):
        if placeholder in template:
            if not place:
                return None
            template = template.replace(placeholder, place)
    return template if len(template) <= MAX_FUND else None


MAX_FUND = 96
"""The longest code that the holder of a fund can have."""


class Fences:
    """The fences around one event, with what its awards have used so far."""

    def __init__(self, facts: Facts, usages: Mapping[UsageKey, Usage], funds: Mapping[str, int]) -> None:
        self._facts = facts
        self._usages = usages
        self._funds = funds
        self._day = local_date(facts.at, facts.timezone)
        self._used: dict[UsageKey, int] = {}
        self._in_event: dict[str, int] = {}
        self.times: dict[UsageKey, int] = {}
        self.spends: dict[str, int] = {}

    @property
    def uses(self) -> list[Use]:
        """What the awards that were admitted count against usages."""
        return [Use(key, amount, self.times[key]) for key, amount in self._used.items()]

    def admit(
        self, wanted: int, caps: tuple[Cap, ...], once: str | None, funds: Mapping[str, str | None]
    ) -> Admitted:
        """How much of an award comes through, counting it. ``funds`` are the fund of each template, if it has one."""
        facts = self._facts
        once_key = (facts.holder_id, once, "") if once is not None else None
        if once_key is not None and self._usages.get(once_key, _NEVER).times:
            return Admitted(0, "once")
        admitted = self._capped(wanted, caps)
        if admitted.given and funds:
            admitted = self._paid(admitted, funds)
        if admitted.given:
            self._count(admitted, caps, once_key)
        return admitted

    def _capped(self, wanted: int, caps: tuple[Cap, ...]) -> Admitted:
        admitted = Admitted(wanted)
        for cap in caps:
            used = self._used_of(cap)
            if used is not None and (left := max(cap.limit - used, 0)) < admitted.given:
                detail: dict[str, Any] = {"limit": cap.limit, "used": used}
                if cap.campaign is not None:
                    detail["campaign"] = cap.campaign
                admitted = Admitted(left, f"cap_{cap.name}", detail)
        return admitted

    def _used_of(self, cap: Cap) -> int | None:
        """What was used of a cap; None where it does not hold here, such as an operator's where nobody is named."""
        if cap.name == TRANSACTION:
            return self._in_event.get(cap.subject, 0)
        key = self._key(cap)
        return None if key is None else self._usages.get(key, _NEVER).amount + self._used.get(key, 0)

    def _paid(self, admitted: Admitted, funds: Mapping[str, str | None]) -> Admitted:
        for template, fund in funds.items():
            left = self._funds.get(fund, 0) - self.spends.get(fund, 0) if fund is not None else 0
            if left < admitted.given:
                fence = "region_share" if fund is not None and is_share(fund) else "budget_exhausted"
                return Admitted(0, fence, {"fund": fund or template, "available": left})
        return admitted._replace(funds=tuple({fund: None for fund in funds.values() if fund is not None}))

    def _count(self, admitted: Admitted, caps: tuple[Cap, ...], once_key: UsageKey | None) -> None:
        keys = [key for cap in caps if (key := self._key(cap)) is not None]
        if once_key is not None:
            keys.append(once_key)
        for key in dict.fromkeys(keys):
            self._used[key] = self._used.get(key, 0) + admitted.given
            self.times[key] = self.times.get(key, 0) + 1
        for subject in {cap.subject for cap in caps if cap.name == TRANSACTION}:
            self._in_event[subject] = self._in_event.get(subject, 0) + admitted.given
        for fund in admitted.funds:
            self.spends[fund] = self.spends.get(fund, 0) + admitted.given

    def _key(self, cap: Cap) -> UsageKey | None:
        return _key(cap, self._facts.holder_id, self._facts.operator_holder_id, self._day)


def _key(cap: Cap, holder_id: bytes, operator_holder_id: bytes | None, day: date) -> UsageKey | None:
    if cap.name == TRANSACTION:
        return None
    holder = operator_holder_id if cap.name == OPERATOR_DAY else holder_id
    return None if holder is None else (holder, cap.subject, period_of(cap.name, day))
