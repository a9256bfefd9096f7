"""Fences: what an award may not exceed. Caps cut it to what is left; then funds pay the whole of that, or nothing.

Usages and funds are what the books held before the event; what the event itself has used so far counts too.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.clock import local_date
from ledger.funds.share import is_share
from ledger.journal.commands import Source
from ledger.journal.wants import Usage, UsageKey, Use
from ledger.rules.definitions import OPERATOR_DAY, TRANSACTION
from ledger.rules.facts import Facts

_NEVER = Usage()
_NONE = (0, 0)


class Cap(NamedTuple):
    """A limit on what a rule, or a campaign, gives to a member (or by an operator) in a period."""

    name: str
    limit: int
    subject: str
    campaign: str | None = None


_Keyed = Sequence[tuple[Cap, UsageKey | None]]


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


class Keys:
    """The usages that caps are counted in, for one event: by its holders and its local day."""

    def __init__(self, holder_id: bytes, operator_holder_id: bytes | None, day: date) -> None:
        self._holder_id = holder_id
        self._operator_holder_id = operator_holder_id
        self._day = day
        self._periods: dict[str, str] = {}

    def of(self, cap: Cap) -> UsageKey | None:
        """None for a cap of the transaction, and for an operator's where no operator is named."""
        name = cap.name
        if name == TRANSACTION:
            return None
        holder_id = self._operator_holder_id if name == OPERATOR_DAY else self._holder_id
        if holder_id is None:
            return None
        period = self._periods.get(name)
        if period is None:
            period = self._periods[name] = period_of(name, self._day)
        return holder_id, cap.subject, period

    def once(self, subject: str) -> UsageKey:
        """Where it is counted that something was given once."""
        return self._holder_id, subject, ""


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
        day = local_date(facts.at, facts.timezone)
        self._keys = Keys(facts.holder_id, facts.operator_holder_id, day)
        self._usages = usages
        self._funds = funds
        self._used: dict[UsageKey, tuple[int, int]] = {}
        self._in_event: dict[str, int] = {}
        self.spends: dict[str, int] = {}

    @property
    def uses(self) -> list[Use]:
        """What the awards that were admitted count against usages."""
        return [Use(key, amount, times) for key, (amount, times) in self._used.items()]

    def was_given(self, once: str) -> bool:
        """Whether what is given once was given before the event."""
        return self._usages.get(self._keys.once(once), _NEVER).times > 0

    def admit(
        self, wanted: int, caps: Sequence[Cap], once: str | None, funds: Mapping[str, str | None]
    ) -> Admitted:
        """How much of an award comes through, counting it. ``funds`` are the fund of each template, if it has one."""
        keys = [(cap, self._keys.of(cap)) for cap in caps]
        once_key = self._keys.once(once) if once is not None else None
        admitted = self._capped(wanted, keys)
        if admitted.given and funds:
            admitted = self._paid(admitted, funds)
        if admitted.given:
            self._count(admitted, keys, once_key)
        return admitted

    def _capped(self, wanted: int, keys: _Keyed) -> Admitted:
        given, tightest, used_of_it = wanted, None, 0
        for cap, key in keys:
            used = self._used_of(cap, key)
            if used is not None and cap.limit - used < given:
                given, tightest, used_of_it = max(cap.limit - used, 0), cap, used
        if tightest is None:
            return Admitted(given)
        detail: dict[str, Any] = {"limit": tightest.limit, "used": used_of_it}
        if tightest.campaign is not None:
            detail["campaign"] = tightest.campaign
        return Admitted(given, f"cap_{tightest.name}", detail)

    def _used_of(self, cap: Cap, key: UsageKey | None) -> int | None:
        """What was used of a cap; None where it does not hold here."""
        if key is not None:
            return self._usages.get(key, _NEVER).amount + self._used.get(key, _NONE)[0]
        return self._in_event.get(cap.subject, 0) if cap.name == TRANSACTION else None

    def _paid(self, admitted: Admitted, funds: Mapping[str, str | None]) -> Admitted:
        for template, fund in funds.items():
            left = self._funds.get(fund, 0) - self.spends.get(fund, 0) if fund is not None else 0
            if left < admitted.given:
                fence = "region_share" if fund is not None and is_share(fund) else "budget_exhausted"
                return Admitted(0, fence, {"fund": fund or template, "available": left})
        return admitted._replace(
            funds=tuple(dict.fromkeys(fund for fund in funds.values() if fund is not None))
        )

    def _count(self, admitted: Admitted, keys: _Keyed, once_key: UsageKey | None) -> None:
        given = admitted.given
        # A rule that is given once and capped for ever counts both in one place: once for each award.
        counted = dict.fromkeys([key for _cap, key in keys] + [once_key])
        for key in counted:
            if key is not None:
                amount, times = self._used.get(key, _NONE)
                self._used[key] = amount + given, times + 1
        for subject in {cap.subject for cap, _key in keys if cap.name == TRANSACTION}:
            self._in_event[subject] = self._in_event.get(subject, 0) + given
        for fund in admitted.funds:
            self.spends[fund] = self.spends.get(fund, 0) + given
