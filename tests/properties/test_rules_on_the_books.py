"""Laws of rules on the whole way of a posting, for any rules and any purchases, in memory and on PostgreSQL.

What happens is drawn first, as plain values; so the same can happen in several programs, under rules that are
written in another order, in one batch or one by one, and must give the same everywhere.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ledger.accounts.program import Activation, Rules
from ledger.db import Database
from ledger.finance.verify import verify
from ledger.funds.commands import GrantFund
from ledger.journal.commands import Source
from ledger.rules.arithmetic import recompute
from ledger.rules.commands import Line, Purchase
from ledger.rules.definitions import CAPS
from tests.builders import NOW, Bench, fresh, give_back, program, request, terms
from tests.conftest import TestDatabase
from tests.funds.regions import BY
from tests.ladders import tiers
from tests.model.driver import Answer
from tests.model.memory import MemoryDriver
from tests.model.postgres import PostgresDriver
from tests.profiles import examples, name_seed
from tests.properties.test_rules import CATEGORIES, TRIAL, rules
from tests.rulesets import in_force
from tests.stories.counter import Counter

ZONE = ZoneInfo("Asia/Shanghai")
NEVER = {"kind": "never"}
TERMS: dict[str, Any] = {"points_expiry": NEVER, "growth_expiry": NEVER}
FUNDS = ("spring", "summer", "store:s-1")
MEMBERS = ("m-1", "m-2", "m-3")
OPERATORS = (None, "olga", "peter")

sources = st.builds(
    Source,
    channel=st.sampled_from((None, "app")),
    store=st.sampled_from((None, "s-1", "s-2")),
    region=st.sampled_from((None, "east")),
    operator=st.sampled_from(OPERATORS),
    terminal=st.none(),
)
campaigns = st.fixed_dictionaries(
    {
        "code": st.just("spring"),
        "from": st.sampled_from(("2026-01-01", "2026-01-20")),
        "caps": st.dictionaries(st.sampled_from(CAPS), st.integers(1, 400), max_size=2),
        "funds": st.sampled_from(([], ["spring"], ["spring", "store:{store}"])),
    }
)


ladder_terms = st.builds(
    lambda **changes: {**TERMS, "tiers": tiers({"member": 0, "gold": 150}, **changes)},
    crossing_rate=st.sampled_from(("before", "after")),
    return_policy=st.sampled_from(("immediate", "at_period_end")),
    period=st.sampled_from(({"kind": "never"}, {"kind": "fixed_days", "days": 5})),
)
program_terms = st.just(TERMS) | ladder_terms


class Buy(NamedTuple):
    """A purchase: when, in days before it is posted; a price in fen and a category for each line."""

    name: str
    member: str
    days_ago: int
    lines: tuple[tuple[str | None, int, int], ...]
    source: Source
    points_value: int
    """The part that was paid with points, in fen."""


class Happening(NamedTuple):
    """What happens in a program: contents of its rule sets, its budgets, and batches with the time before each."""

    headquarters: dict[str, Any]
    east: dict[str, Any] | None
    budgets: tuple[int, ...]
    batches: tuple[tuple[timedelta, tuple[Buy, ...]], ...]
    terms: dict[str, Any]


@st.composite
def purchases(draw: st.DrawFn, name: str) -> Buy:
    line = st.tuples(st.sampled_from(CATEGORIES), st.integers(1, 3), st.integers(0, 3_000))
    lines = tuple(draw(st.lists(line, min_size=1, max_size=3)))
    spent = sum(amount for _category, _quantity, amount in lines)
    return Buy(
        name,
        draw(st.sampled_from(MEMBERS)),
        draw(st.sampled_from((0, 0, 0, 1, 9))),
        lines,
        draw(sources),
        draw(st.just(0) | st.integers(0, spent)),
    )


@st.composite
def happenings(draw: st.DrawFn) -> Happening:
    """Any rules, budgets and purchases."""
    written = [draw(rules(number)) for number in range(draw(st.integers(1, 6)))]
    if draw(st.booleans()):
        # Under one campaign the rules get in each other's way.
        written = [{**rule, "campaign": "spring"} for rule in written]
    batches, number = [], 0
    for _ in range(draw(st.integers(1, 5))):
        time = draw(st.sampled_from((timedelta(), timedelta(hours=7), timedelta(days=1), timedelta(days=8))))
        size = draw(st.integers(1, 4))
        batches.append((time, tuple(draw(purchases(f"p-{number + place}")) for place in range(size))))
        number += size
    return Happening(
        _content(written, draw(campaigns)),
        draw(st.none() | rules(0).map(_of_east)),
        tuple(draw(st.integers(0, 800)) for _ in FUNDS),
        tuple(batches),
        draw(program_terms),
    )


def _content(written: Sequence[dict[str, Any]], campaign: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(written), "campaigns": [campaign], "experiments": [TRIAL]}


def _of_east(written: dict[str, Any]) -> dict[str, Any]:
    """A rule as a region may write it: named after it, without the campaigns and trials of headquarters."""
    kept = {name: value for name, value in written.items() if name not in {"campaign", "arm", "funds"}}
    return {"rules": [{**kept, "code": "east:plus"}]}


class Told(NamedTuple):
    """A purchase that was posted, as it is compared: nothing in it is of the one program alone."""

    buy: Buy
    at: datetime
    answer: Mapping[str, Any]

    @property
    def day(self) -> str:
        return self.at.astimezone(ZONE).date().isoformat()

    def compared(self) -> tuple[Any, ...]:
        kept = [self.answer.get(name) for name in ("points", "growth", "awards", "fenced", "arms", "tier")]
        return self.buy.name, *kept


def carry_out(bench: Bench, happening: Happening, *, one_by_one: bool = False) -> list[Told]:
    """Post every batch, and see that each answer adds up."""
    posted = []
    for time, batch in happening.batches:
        bench.now += time
        commands = [_command(buy, max(NOW, bench.now - timedelta(days=buy.days_ago))) for buy in batch]
        answers: list[Answer] = []
        for some in [[command] for command in commands] if one_by_one else [commands]:
            answers += bench.post(*some)
        for buy, command, answer in zip(batch, commands, answers, strict=True):
            assert answer.body is not None, answer
            check_sums(answer.body)
            posted.append(Told(buy, command.occurred_at, answer.body))
    return posted


def _command(buy: Buy, at: datetime) -> Purchase:
    lines = tuple(
        Line(str(number), quantity, amount, f"sku-{number}", category)
        for number, (category, quantity, amount) in enumerate(buy.lines, 1)
    )
    return Purchase(buy.name, buy.member, at, "CNY", lines, buy.source, buy.points_value)


def in_memory(happening: Happening, program_id: int = 1) -> Bench:
    """A bench in memory where these rules are in force and these budgets granted."""
    active = _active("", happening.headquarters)
    if happening.east is not None:
        active += _active("east", happening.east)
    made = replace(program(**happening.terms), program_id=program_id, rules=Rules(active))
    bench = Bench(MemoryDriver(made))
    for fund, points in zip(FUNDS, happening.budgets, strict=True):
        if points:
            bench.must(GrantFund(fund, points, fresh("g"), "a plan", BY))
    return bench


def _active(owner: str, content: dict[str, Any]) -> tuple[Activation, ...]:
    parts = {name: value for name, value in content.items() if name != "rules"}
    return in_force(*content["rules"], owner=owner, **parts).activations


def check_sums(answer: Mapping[str, Any]) -> None:
    """The awards add up to the answer and to the lots, and each follows from its inputs."""
    for unit, name in (("POINT", "points"), ("GROWTH", "growth")):
        awards = [award for award in answer["awards"] if award["unit"] == unit]
        lots = [lot["amount"] for lot in answer["lots"] if lot["unit"] == unit]
        assert sum(award["amount"] for award in awards) == answer[name] == sum(lots)
        assert all(award["amount"] == recompute(award) > 0 for award in awards)
    for fenced in answer.get("fenced", ()):
        assert 0 <= fenced["given"] <= fenced["wanted"]


def check_fences(happening: Happening, posted: Sequence[Told], bench: Bench) -> None:
    """No cap, no budget and no claim was exceeded by all purchases together."""
    limits = _limits(happening)
    used: Tally[tuple[Any, ...]] = Tally()
    times: Tally[tuple[Any, ...]] = Tally()
    spent: Tally[str] = Tally()
    for told in posted:
        for award in told.answer["awards"]:
            subjects = [("rule", award["rule"]), ("campaign", award.get("campaign"))]
            for kind, code in subjects:
                for cap in limits.get((kind, code, award["unit"]), {}):
                    if (period := _period(cap, told)) is not None:
                        used[kind, code, award["unit"], cap, period] += award["amount"]
            times[award["rule"], award["unit"], told.buy.member] += 1
            assert set(award.get("funds", ())) == _paying(happening, award, told.buy.source)
            for fund in award.get("funds", ()):
                spent[fund] += award["amount"]
    for (kind, code, unit, cap, period), amount in used.items():
        assert amount <= limits[kind, code, unit][cap], (kind, code, unit, cap, period)
    for once in [rule for rule in _rules(happening) if rule.get("once")]:
        assert all(times[once["code"], once["unit"], member] <= 1 for member in MEMBERS)
    for fund, granted in zip(FUNDS, happening.budgets, strict=True):
        left = bench.books().holders[f"fund/{fund}"].points if granted else 0
        assert left == granted - spent[fund] >= 0
    assert spent.keys() <= set(FUNDS)


def _rules(happening: Happening) -> list[dict[str, Any]]:
    return [*happening.headquarters["rules"], *(happening.east or {"rules": []})["rules"]]


def _paying(happening: Happening, award: Mapping[str, Any], source: Source) -> set[str]:
    """Who must have paid for an award: the funds of its rule and of the campaign; for growth nobody."""
    if award["unit"] == "GROWTH":
        return set()
    (rule,) = [each for each in _rules(happening) if (each["code"], each["unit"]) == (award["rule"], "POINT")]
    templates = set(rule.get("funds", ()))
    if "campaign" in rule:
        templates |= set(happening.headquarters["campaigns"][0]["funds"])
    return {template.replace("{store}", source.store or "") for template in templates}


def _limits(happening: Happening) -> dict[tuple[str, str | None, str], Mapping[str, int]]:
    found = {("rule", rule["code"], rule["unit"]): rule.get("caps", {}) for rule in _rules(happening)}
    (campaign,) = happening.headquarters["campaigns"]
    return found | {("campaign", "spring", unit): campaign["caps"] for unit in ("POINT", "GROWTH")}


def _period(cap: str, told: Told) -> tuple[Any, ...] | None:
    """Whose and which period an award of that purchase counts in."""
    day = datetime.fromisoformat(told.day).date()
    if cap == "operator_day":
        operator = told.buy.source.operator
        return (operator, told.day) if operator else None
    periods = {
        "transaction": told.buy.name,
        "day": told.day,
        "week": day.isocalendar()[:2],
        "month": told.day[:7],
        "ever": "",
    }
    return told.buy.member, periods[cap]


def give_everything_back(bench: Bench, posted: Sequence[Told], draw: Any) -> None:
    """Return all goods, each line in parts, in any order: nothing that they earned is left, and all money is back."""
    parts = []
    for told in posted:
        for number, (_category, quantity, amount) in enumerate(told.buy.lines, 1):
            first = draw(st.integers(0, amount))
            parts += [(told.buy.name, number, 0, first), (told.buy.name, number, quantity, amount - first)]
    paid_back: Tally[str] = Tally()
    for name, number, quantity, part in draw(st.permutations(parts)):
        answer = bench.must(give_back(name, part, line=str(number), quantity=quantity, at=bench.now))
        paid_back[name] += answer["cash_refund"]["amount"]
    for told in posted:
        spent = sum(amount for _category, _quantity, amount in told.buy.lines)
        assert paid_back[told.buy.name] == spent - told.buy.points_value
        row = bench.books().holders[told.buy.member]
        assert (row.points, row.debt, row.growth) == (0, 0, 0)


@examples(150)
@given(happenings(), st.data())
def test_awards_add_up_fences_hold_and_returns_end_at_nothing(
    happening: Happening, data: st.DataObject
) -> None:
    name_seed()
    live_through(happening, data)


def live_through(happening: Happening, data: st.DataObject) -> None:
    """Let it happen in memory and hold it to the fences; then all goods go back."""
    bench = in_memory(happening)
    posted = carry_out(bench, happening)
    check_fences(happening, posted, bench)
    bench.check()
    give_everything_back(bench, posted, data.draw)
    bench.check()


@examples(100)
@given(happenings(), st.data())
def test_neither_order_nor_program_nor_batching_changes_a_line(
    happening: Happening, data: st.DataObject
) -> None:
    name_seed()
    compare(happening, data)


def compare(happening: Happening, data: st.DataObject) -> None:
    """Let the same happen under rules in another order, in another program, and one by one."""
    posted = [told.compared() for told in carry_out(in_memory(happening), happening)]
    shuffled = data.draw(st.permutations(happening.headquarters["rules"]))
    other = happening._replace(headquarters={**happening.headquarters, "rules": shuffled})
    assert [told.compared() for told in carry_out(in_memory(other), other)] == posted
    elsewhere = in_memory(happening, program_id=data.draw(st.integers(2, 1_000)))
    assert [told.compared() for told in carry_out(elsewhere, happening)] == posted
    alone = carry_out(in_memory(happening), happening, one_by_one=True)
    assert [told.compared() for told in alone] == posted


@examples(60)
@given(happenings())
def test_trying_a_purchase_twice_gives_the_same_and_moves_nothing(happening: Happening) -> None:
    bench = in_memory(happening)
    carry_out(bench, happening)
    command = _command(happening.batches[0][1][0]._replace(name="another"), bench.now)
    before = bench.books()
    (first,), (second,) = (bench.post(command, dry_run=True) for _ in range(2))
    assert bench.books() == before
    (posted,) = bench.send(request(command))
    named = ("points", "growth", "awards", "fenced", "arms")
    told = [[(answer.body or {}).get(name) for name in named] for answer in (first, second, posted)]
    assert told[0] == told[1] == told[2]


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url)
    try:
        yield opened
    finally:
        opened.close()


def on_postgres(database: Database, happening: Happening) -> Bench:
    """The same on PostgreSQL, with rules and budgets that two principals have put in force."""
    name = fresh("shop")
    driver = PostgresDriver.create(database, name, NOW, timezone=ZONE.key, terms=terms(**happening.terms))
    bench = Bench(driver)
    counter = Counter(bench, ZONE, {"hq": happening.headquarters, "east": happening.east or {}})
    counter.puts_in_force("headquarters", "hq", None)
    if happening.east is not None:
        counter.puts_in_force("east", "east", None)
    for fund, points in zip(FUNDS, happening.budgets, strict=True):
        if points:
            counter.grants(str(points), fund)
    return bench


def test_postgres_gives_what_memory_gives_and_verifies(database: Database) -> None:
    @examples(40)
    @given(happenings(), st.data())
    def check(happening: Happening, data: st.DataObject) -> None:
        bench, counted = on_postgres(database, happening), in_memory(happening)
        note(bench.driver.program.name)
        posted = carry_out(bench, happening)
        assert [told.compared() for told in posted] == [
            told.compared() for told in carry_out(counted, happening)
        ]
        check_fences(happening, posted, bench)
        if data.draw(st.booleans()):
            give_everything_back(bench, posted, data.draw)
        bench.check()

    check()
    with database.read() as connection:
        assert [found.told() for found in verify(connection) if not found.is_sound] == []
