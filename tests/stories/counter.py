"""Stories of rules, as tables: when, what happens, what it earns by which rule, and what a fence kept back.

    2026-03-01 | headquarters puts coffee in force
    2026-03-02 | ann buys coffee for 39.90                                | 118 = base 39 + coffee 79
               | ann buys coffee for 39.90, milk for 5.00 in east at e-1  | 44 = base 44 | coffee 79 by cap_day

What stands in the third cell is all that was earned, what stands in the fourth all that was kept back: of a purchase
with an empty cell, nothing. Growth value is told after a comma: ``39 = base 39, growth 40 = growth 40``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from ledger.access.approvals import approve
from ledger.access.principals import Principal
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.accounts.programs import find_program
from ledger.errors import LedgerError
from ledger.funds import grants
from ledger.funds.top_up import top_up
from ledger.ids import show as show_id
from ledger.journal.commands import Source
from ledger.rules import register, switches
from ledger.rules.arithmetic import recompute
from ledger.rules.commands import Line, Purchase
from tests.builders import Bench, fresh
from tests.model.postgres import PostgresDriver
from tests.stories.telling import Teller

Sets = Mapping[str, Mapping[str, Any]]
"""Contents of rule sets, by the names that stories call them by."""

_HANDLERS = {**register.APPROVALS, **grants.APPROVALS}
_ITEM = re.compile(r"(?:(?P<pieces>\d+) )?(?P<what>\S+) for (?P<price>\d+\.\d\d)")


def tell_at_the_counter(bench: Bench, sets: Sets, story: str, timezone: str = "Asia/Shanghai") -> None:
    """Carry the story out. It ends with the books balanced."""
    counter = Counter(bench, ZoneInfo(timezone), sets)
    for line in story.strip().splitlines():
        when, says, *cells = (cell.strip() for cell in line.split("|"))
        counter.hear_row(when, says, *cells)
    bench.check()


class Counter(Teller):
    """Understands sentences about rules too, and compares what they give with what the story says."""

    def __init__(self, bench: Bench, zone: ZoneInfo, sets: Sets) -> None:
        super().__init__(bench, zone)
        assert isinstance(bench.driver, PostgresDriver)
        self.books = bench.driver
        self.sets = sets
        self.versions: dict[str, int] = {}

    def hear_row(self, when: str, says: str, earns: str = "", kept_back: str = "") -> None:
        if when:
            self.bench.now = self.moment(when)
        for pattern, act in ROWS.items():
            if found := re.fullmatch(pattern, says):
                answer = act(self, **found.groupdict())
                assert told(answer or {}) == (earns, kept_back), says
                return
        assert not earns and not kept_back, f"nobody understands: {says}"
        self.hear(says)

    def buys(  # type: ignore[override]
        self,
        member: str,
        name: str | None,
        items: str,
        day: str | None,
        points_value: str | None,
        **places: str | None,
    ) -> dict[str, Any]:
        lines = [_line(number, item) for number, item in enumerate(re.split(r", | and ", items), 1)]
        at = self.moment(day) if day else self.bench.now
        by_points = _fen(points_value or "0.00")
        bought = Purchase(name or fresh("p"), member, at, "CNY", tuple(lines), Source(**places), by_points)
        answer = self.bench.must(bought)
        self.made[bought.purchase_id] = answer
        self.paid[bought.purchase_id] = sum(line.amount for line in lines)
        return answer

    def puts_in_force(self, owner: str, name: str, since: str | None) -> None:
        maker, checker = self.principal("maker"), self.principal("checker")
        version = self.save(owner, name)
        begins = self.moment(since) if since else None
        proposal = self.run(
            register.propose_activation, _owner(owner), version, begins, by=maker, now=self.bench.now
        )
        proposed = show_id("apr", proposal.approval_id)
        self.run(approve, _HANDLERS, proposed, by=checker, now=self.bench.now)

    def save(self, owner: str, name: str) -> int:
        maker = self.principal("maker")
        saved, _ = self.run(register.save, _owner(owner), self.sets[name], by=maker, now=self.bench.now)
        self.versions[name] = saved.version
        return int(saved.version)

    def cannot_put_in_force(self, owner: str, name: str, code: str) -> None:
        with pytest.raises(LedgerError) as refused:
            self.puts_in_force(owner, name, None)
        assert refused.value.code == code

    def goes_back_to(self, owner: str, name: str) -> None:
        by, version = self.principal("checker"), self.versions[name]
        self.run(
            register.activate_again,
            _owner(owner),
            version,
            None,
            "back to what was",
            by=by,
            now=self.bench.now,
        )

    def switches(self, kind: str, code: str, way: str) -> None:
        by = self.principal("checker")
        self.run(switches.switch, kind, code, on=way == "on", reason="a story", by=by, now=self.bench.now)

    def grants(self, points: str, fund: str) -> None:
        maker, checker = self.principal("maker"), self.principal("checker")
        change = {"points": int(points), "reason": "a plan", "reference": fresh("g")}
        asked = self.run(grants.propose_change, grants.GRANT, fund, change, by=maker, now=self.bench.now)
        self.run(approve, _HANDLERS, asked["approval_id"], by=checker, now=self.bench.now)

    def tops_up(self) -> None:
        top_up(self.books.database, self.books.program, self.bench.now)

    def has_left(self, fund: str, points: str) -> None:
        assert self.bench.books().holders[f"fund/{fund}"].points == int(points)

    def principal(self, name: str) -> Principal:
        return Principal(f"story-{name}", self.books.program, "admin", frozenset())

    def run(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do something to the program; from then on it is as the database has it."""

        def whole(connection: Connection) -> tuple[Any, Program | None]:
            done = work(connection, self.books.program, *arguments, **named)
            return done, find_program(connection, self.books.program.name)

        done, program = self.books.database.run(whole)
        assert program is not None
        self.books.program = program
        return done


ROWS: dict[str, Callable[..., Any]] = {
    r"(?P<member>\w+) (?:buys|bought)(?: (?P<name>\S+):)? "
    r"(?P<items>(?:\d+ )?\S+ for [\d.]+(?:(?:, | and )(?:\d+ )?\S+ for [\d.]+)*)"
    r"(?: in (?P<region>\S+))?(?: at (?P<store>\S+))?(?: from (?P<operator>\S+))?"
    r"(?: over (?P<channel>\S+))?(?: on (?P<day>\d[\d-]+(?: [\d:]+)?))?"
    r"(?: paying (?P<points_value>[\d.]+) with points)?": Counter.buys,
    r"(?P<owner>\w+) puts (?P<name>\S+) in force(?: from (?P<since>.+))?": Counter.puts_in_force,
    r"(?P<owner>\w+) cannot put (?P<name>\S+) in force: (?P<code>\w+)": Counter.cannot_put_in_force,
    r"(?P<owner>\w+) goes back to (?P<name>\S+)": Counter.goes_back_to,
    r"(?P<kind>rule|campaign) (?P<code>\S+) is switched (?P<way>on|off)": Counter.switches,
    r"(?P<points>\d+) points are granted to (?P<fund>\S+)": Counter.grants,
    r"the shares are topped up": Counter.tops_up,
    r"(?P<fund>\S+) has (?P<points>\d+) left": Counter.has_left,
}


def told(answer: Mapping[str, Any]) -> tuple[str, str]:
    """What an answer gives and what was kept back, as cells. The amounts follow from the inputs, and add up."""
    given = []
    for unit, name in (("POINT", "points"), ("GROWTH", "growth")):
        awards = [award for award in answer.get("awards", ()) if award["unit"] == unit]
        assert sum(award["amount"] for award in awards) == answer.get(name, 0)
        assert [recompute(award) for award in awards] == [award["amount"] for award in awards]
        if awards:
            terms = " + ".join(f"{_rule(award)} {award['amount']}" for award in awards)
            given.append(f"{'growth ' if unit == 'GROWTH' else ''}{answer[name]} = {terms}")
    kept = (
        f"{each['rule']} {each['wanted'] - each['given']} by {each['fence']}"
        for each in answer.get("fenced", ())
    )
    return ", ".join(given), ", ".join(kept)


def _rule(award: Mapping[str, Any]) -> str:
    """The rule of an award; rules of regions have codes that say whose they are."""
    assert award.get("owner", "") == award["rule"].rpartition(":")[0]
    return str(award["rule"])


def _line(number: int, item: str) -> Line:
    found = _ITEM.fullmatch(item)
    assert found, f"no item: {item}"
    return Line(str(number), int(found["pieces"] or 1), _fen(found["price"]), category=found["what"])


def _fen(price: str) -> int:
    return int(price.replace(".", ""))


def _owner(name: str) -> str:
    return HEADQUARTERS if name == "headquarters" else name
