"""What is explained adds up to what stands in the books, whatever came late, went back, was spent or expired."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ledger.accounts.chart import Account
from ledger.accounts.queries import read_balance
from ledger.db import Database
from ledger.rules.arithmetic import recompute
from ledger.rules.commands import Line, Purchase
from ledger.rules.explanation_queries import read_bought, read_window
from ledger.rules.growth_explanation import growth_explained
from ledger.rules.purchase_explanation import purchase_explained
from tests.builders import NOW, Bench, expire, give_back, purchase, redeem, reverse, terms, transfer
from tests.conftest import TestDatabase
from tests.ladders import tiers
from tests.model.postgres import PostgresDriver
from tests.profiles import examples
from tests.rulesets import doubled, fixed, in_force, rule

MEMBERS = ("m-1", "m-2")
ISSUED = {"POINT": Account.ISSUED, "GROWTH": Account.GROWTH_ISSUED}

_numbers = count(1)

RULES = (
    rule("base"),
    rule("growth", "GROWTH", caps={"day": 90}),
    rule("gold", "GROWTH", by_tier={"silver": {"numerator": 4, "denominator": 3}}, rounding="half_up"),
    rule("coffee", lines={"categories": ["coffee"]}, rounded_per="line", rounding="ceiling"),
    rule(
        "steps",
        rate={
            "kind": "steps",
            "mode": "marginal",
            "steps": [{"from": 0, "per": 1, "amount": 300}, {"from": 5_000, "per": 1, "amount": 100}],
        },
    ),
    rule("category", by_category={"coffee": {"numerator": 3, "denominator": 2}}, caps={"transaction": 40}),
    rule("piece", rate={"kind": "fixed", "amount": 3, "each": "piece"}, caps={"month": 20}),
    fixed("first", 50, once=True),
    doubled("twice"),
    rule("best", stacking={"group": "promo", "mode": "best_of"}),
    fixed("better", 30, stacking={"group": "promo", "mode": "best_of"}),
)

rule_sets = st.one_of(
    st.none(), st.lists(st.sampled_from(RULES), min_size=1, unique_by=lambda each: str(each["code"]))
)
program_terms = st.fixed_dictionaries(
    {
        "pending_days": st.sampled_from([0, 3]),
        "points_expiry": st.sampled_from(
            [{"kind": "fixed_days", "days": 6}, {"kind": "rolling", "months": 1}, {"kind": "never"}]
        ),
        "growth_expiry": st.sampled_from([{"kind": "never"}, {"kind": "fixed_days", "days": 5}]),
        "tiers": st.just(tiers({"member": 0, "silver": 100})),
    }
)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url)
    yield opened
    opened.close()


class Shop:
    """A program with its rules, and commands against what was bought there so far."""

    def __init__(self, draw: Any, database: Database) -> None:
        self.draw = draw
        changes = draw(program_terms)
        driver = PostgresDriver.create(
            database, f"told-{next(_numbers)}", NOW, timezone="Asia/Shanghai", terms=terms(**changes)
        )
        chosen = draw(rule_sets)
        if chosen is not None:
            rules = in_force(*chosen)
            known = driver.program.rules
            driver.program = replace(driver.program, rules=replace(known, activations=rules.activations))
        note(f"{changes} {[each['code'] for each in chosen or ()]}")
        self.bench = Bench(driver, NOW)
        self.bought: dict[str, tuple[str, dict[str, int]]] = {}

    def act(self) -> None:
        """One thing that happens."""
        kind = self.draw(
            st.sampled_from(
                ["buy", "buy", "buy", "return", "return", "redeem", "transfer", "reverse", "expire"]
            )
        )
        member, now = self.draw(st.sampled_from(MEMBERS)), self.bench.now
        if kind == "buy" or not self.bought:
            self.buy(member)
        elif kind == "return":
            name, (_, lines) = self.draw(st.sampled_from(sorted(self.bought.items())))
            line = self.draw(st.sampled_from(sorted(lines)))
            amount = self.draw(st.sampled_from([lines[line], lines[line] // 2, 1]))
            self.bench.post(give_back(name, amount, line=line, at=now))
        elif kind == "redeem":
            self.bench.post(redeem(self.draw(st.integers(1, 60)), member=member))
        elif kind == "transfer":
            self.bench.post(transfer(self.draw(st.integers(1, 20))))
        elif kind == "reverse":
            _, (entry_id, _) = self.draw(st.sampled_from(sorted(self.bought.items())))
            self.bench.post(reverse(entry_id))
        else:
            self.bench.post(expire(member, until=now))
        self.bench.now += timedelta(hours=self.draw(st.sampled_from([0, 1, 30, 80])))

    def buy(self, member: str) -> None:
        """A purchase on time or late, of some lines, coffee among them."""
        shelves = st.tuples(
            st.integers(0, 4), st.integers(0, 9_000), st.sampled_from(["coffee", "tea", None])
        )
        drawn = self.draw(st.lists(shelves, min_size=1, max_size=3))
        lines = [
            Line(str(number), quantity, amount, None, category)
            for number, (quantity, amount, category) in enumerate(drawn, 1)
        ]
        late = timedelta(hours=self.draw(st.sampled_from([0, 0, 0, 20, 130, 800])))
        made: Purchase = purchase(member=member, lines=lines, at=self.bench.now - late)
        (answer,) = self.bench.post(made)
        if answer.body is not None:
            amounts = {line.line_id: line.amount for line in lines}
            self.bought[made.purchase_id] = (answer.body["entry_id"], amounts)


@examples(60)
@given(st.data())
def test_explanations_add_up_to_the_books(database: Database, data: st.DataObject) -> None:
    shop = Shop(data.draw, database)
    for _ in range(data.draw(st.integers(1, 9))):
        shop.act()
    for _ in range(2):
        purchases_add_up(shop, database)
        growth_adds_up(shop, database, data.draw(st.integers(1, 3)))
        shop.bench.wait(days=4)


def purchases_add_up(shop: Shop, database: Database) -> None:
    """Awards to postings, every award to its inputs, every lot to what became of it."""
    program, now, books = shop.bench.driver.program, shop.bench.now, shop.bench.books()
    entries = {row.entry_id.hex(): row for rows in books.entries.values() for row in rows}
    for name, (entry_id, _) in shop.bought.items():
        with database.read() as connection:
            told = purchase_explained(program, read_bought(connection, program, name), now)
        posted = entries[entry_id.removeprefix("ent_")].postings
        for unit, total in (("POINT", "points"), ("GROWTH", "growth")):
            given_out = sum(award["amount"] for award in told["awards"] if award["unit"] == unit)
            issued = sum(posting.amount for posting in posted if posting.debit == ISSUED[unit])
            assert given_out == issued == told["totals"][total], told
        for award in told["awards"]:
            assert recompute(award) == award["amount"]
            assert str(award["amount"]) in award["explanation"]["zh"]
        for lot in told["lots"]:
            left = sum(part["amount"] * (1 if part["what"] == "given_back" else -1) for part in lot["became"])
            assert lot["amount"] + left == lot["remaining"], lot
        for line in told["lines"]:
            assert line["returned"]["amount"] <= line["amount"]
        for unit in ("points", "growth"):
            back = sum(each[f"{unit}_clawed_back"] for each in told["returns"])
            assert told["totals"][f"{unit}_kept"] == told["totals"][unit] - back >= 0


def growth_adds_up(shop: Shop, database: Database, limit: int) -> None:
    """The lines of all pages to the value, which is the balance's and the calendar's."""
    program, now = shop.bench.driver.program, shop.bench.now
    for member in shop.bench.books().holders:
        with database.read() as connection:
            value = read_balance(connection, program, member, now)["growth"]["value"]
            cursor, lines, seen = None, 0, []
            while True:
                window = read_window(connection, program, member, now, limit=limit, cursor=cursor)
                told = growth_explained(program, member, window, now)
                assert told["value"] == value == sum(leaving["growth"] for leaving in told["leaving"])
                assert len(told["data"]) <= limit
                for entry in told["data"]:
                    assert sum(award["amount"] for award in entry["awards"]) == entry["amount"]
                    assert entry["amount"] - entry["taken_back"] == entry["remaining"] > 0
                    lines += entry["remaining"]
                    seen.append(entry["entry_id"])
                if (cursor := told["next_cursor"]) is None:
                    break
        assert lines == value
        assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen))
