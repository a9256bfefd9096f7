"""Who brings whom: any order of referrals, purchases and returns follows a model of four lines, in any batches."""

from typing import Any, NamedTuple

import orjson
from hypothesis import given as ask
from hypothesis import strategies as st

from ledger.journal.commands import Command
from ledger.rules.activities import Activity
from tests.builders import NOW, Bench, earning, give_back, program, purchase
from tests.model.driver import Answer
from tests.model.memory import MemoryDriver
from tests.model.snapshot import EntryRow
from tests.profiles import examples
from tests.rulesets import fixed, rule, ruled

MEMBERS = ("ann", "ben", "cem", "dan", "eve", "fay")
RULES = (
    rule("base"),
    fixed("extra", 4, campaign="party"),
    fixed("welcome", 30, on="referral", campaign="party"),
    fixed("thanks", 50, on="referrer", caps={"month": 80}),
    fixed("kudos", 7, "GROWTH", on="referrer"),
    fixed("sign-in", 3, on="sign_in", caps={"day": 5}),
)

PARTY: dict[str, Any] = {"code": "party", "name": {"en": "Party", "zh": "派对"}, "caps": {"ever": 31}}


class Deed(NamedTuple):
    """Something to be done, numbered, so that what a return is of can be told."""

    kind: str
    member: str
    other: str
    amount: int
    number: int

    def command(self) -> Command:
        """As it is posted."""
        name = f"{self.kind}-{self.number}"
        if self.kind == "refer":
            return Activity(name, self.member, "referral", NOW, {"referrer": self.other})
        if self.kind == "sign_in":
            return Activity(name, self.member, "sign_in", NOW)
        if self.kind == "return":
            return give_back(f"buy-{self.number - 1}", self.amount // 2, return_id=name)
        return purchase(self.amount, member=self.member, purchase_id=name)


@st.composite
def deeds(draw: st.DrawFn) -> list[Deed]:
    kinds = st.sampled_from(["bring", "bring", "refer", "refer", "buy", "return", "sign_in"])
    member = st.sampled_from(MEMBERS)
    done: list[Deed] = []
    for _ in range(draw(st.integers(1, 12))):
        kind, who, other = draw(kinds), draw(member), draw(member)
        amount = draw(st.sampled_from([0, 100, 2_000]))
        if kind == "bring":
            # So that some have brought many, whom else nearly nobody would.
            done.append(Deed("refer", who, draw(st.sampled_from(["ann", other])), 0, len(done)))
            kind = "buy"
        done.append(Deed(kind, who, other, amount, len(done)))
    return done


def lived(doing: list[Deed], sizes: list[int]) -> tuple[list[Answer], Bench]:
    """What comes of the deeds, posted in batches of these sizes, the last size over and over."""
    bench = ruled(Bench(MemoryDriver(program())), *RULES, campaigns=[PARTY])
    bench.post(*(earning(1, member=member) for member in MEMBERS))
    answers: list[Answer] = []
    rest = [deed.command() for deed in doing]
    while rest:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        answers += bench.post(*rest[:size])
        rest = rest[size:]
    bench.check()
    return answers, bench


def expected(doing: list[Deed]) -> list[str | None]:
    """The code of each referral's refusal, by a model that knows who was brought and who has bought."""
    brought_by: dict[str, str] = {}
    bought: set[str] = set()
    codes: list[str | None] = []
    for deed in doing:
        if deed.kind == "refer":
            codes.append(_refusal(deed, brought_by, bought))
            if codes[-1] is None:
                brought_by[deed.member] = deed.other
        elif deed.kind == "buy":
            bought.add(deed.member)
    return codes


def _refusal(deed: Deed, brought_by: dict[str, str], bought: set[str]) -> str | None:
    if deed.member == deed.other:
        return "self_referral"
    if deed.member in brought_by:
        return "referral_exists"
    above: str | None = deed.other
    while above is not None:
        if above == deed.member:
            return "circular_referral"
        above = brought_by.get(above)
    return "referral_too_late" if deed.member in bought else None


@examples(200)
@ask(deeds())
def test_referrals_are_taken_and_refused_as_the_model_says(doing: list[Deed]) -> None:
    answers, bench = lived(doing, [1])
    asked = [answer for deed, answer in zip(doing, answers, strict=True) if deed.kind == "refer"]
    assert [answer.code for answer in asked] == expected(doing)
    driver = bench.driver
    assert isinstance(driver, MemoryDriver)
    buyers = {deed.member for deed in doing if deed.kind == "buy"}
    settled = [holder for holder, referral in driver.referrals.items() if referral.settled_entry_id]
    waiting = [driver.holders[holder].member_id for holder in driver.referrals.keys() - set(settled)]
    assert not buyers & set(waiting)
    rewards = [
        entry for entries in bench.books().entries.values() for entry in entries if entry.kind == "referral"
    ]
    assert len(rewards) == len(settled)
    for entries in bench.books().entries.values():
        assert given(entries, "extra", "welcome") <= PARTY["caps"]["ever"]
        assert given(entries, "thanks") <= 80


@examples(200)
@ask(deeds(), st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_batches_of_any_size_come_to_the_same(doing: list[Deed], sizes: list[int]) -> None:
    one_by_one, alone = lived(doing, [1])
    together, batched = lived(doing, list(sizes))
    assert [told(answer) for answer in together] == [told(answer) for answer in one_by_one]
    assert left(batched) == left(alone)


def given(entries: list[EntryRow], *rules: str) -> int:
    """What a member was awarded by these rules."""
    awards = [award for entry in entries for award in orjson.loads(entry.details or b"{}").get("awards", ())]
    return sum(award["amount"] for award in awards if award["rule"] in rules)


def told(answer: Answer) -> Any:
    """An answer without the ids that the books have given."""
    body = answer.body or {}
    return answer.code, body.get("points"), body.get("awards"), body.get("fenced"), body.get("balance")


def left(bench: Bench) -> Any:
    driver = bench.driver
    assert isinstance(driver, MemoryDriver)
    holders = {
        holder.member_id: (holder.points, holder.growth, holder.debt, holder.version)
        for holder in driver.holders.values()
    }
    return holders, driver.usages
