"""Two channels that do not know of each other: whatever they do to the same points, those are in one place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.concurrency.http.race import Contest, Sent, codes
from tests.faults.clients import Answer
from tests.profiles import examples

from .shop import Shop, statement

POINTS = 100

Moves = st.lists(
    st.tuples(
        st.sampled_from(["hold", "capture", "release", "redeem", "refund", "buy", "return"]),
        st.sampled_from(["capture", "release", "redeem", "refund", "return", "reverse"]),
        st.integers(1, 60),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=12,
)


@dataclass
class Counters:
    """The app and the till as one member uses them; what they have been told, and what they have done by it."""

    contest: Contest
    member: str
    holds: list[str] = field(default_factory=list)
    redemptions: list[str] = field(default_factory=list)
    purchases: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)

    def move(self, kind: str, points: int, chosen: int) -> Sent | None:
        """A request of that kind, about something earlier where it needs it; None where there is nothing."""
        of = {
            "capture": self.holds,
            "release": self.holds,
            "refund": self.redemptions,
            "return": self.purchases,
            "reverse": self.entries,
        }
        if kind in of:
            earlier = of[kind]
            if not earlier:
                return None
            return self._about(kind, earlier[chosen % len(earlier)], points)
        make: dict[str, Callable[[], Sent]] = {
            "hold": lambda: self.contest.holding(self.member, points=points),
            "redeem": lambda: self.contest.redeeming(self.member, points),
            "buy": lambda: self.contest.buying(self.member, points),
        }
        return make[kind]()

    def _about(self, kind: str, earlier: str, points: int) -> Sent:
        if kind == "capture":
            return self.contest.capturing(earlier, points=points)
        if kind == "refund":
            return self.contest.refunding(earlier, points)
        if kind == "return":
            return self.contest.returning(earlier, 100 * points)
        return self.contest.releasing(earlier) if kind == "release" else self.contest.reversing(earlier)

    def hear(self, request: Sent, answer: Answer) -> None:
        """Remember what a success may be followed by."""
        if answer.status != 201:
            assert answer.status in (404, 409, 422), answer.body
            return
        said = answer.document
        if said["kind"] == "hold":
            self.holds.append(said["hold_id"])
        if "redemption_id" in said and said["kind"] in ("redeem", "capture"):
            self.redemptions.append(said["redemption_id"])
        if request.path == "/v1/purchases":
            self.purchases.append(said["purchase_id"])
        self.entries.append(said["entry_id"])

    def check(self) -> None:
        """Points that were issued are available, held, spent, or taken back: each in one of these, and none twice."""
        points = self.contest.get(f"/v1/members/{self.member}/balance")["points"]
        flows = flows_of(statement(self.contest, self.member))
        assert min(points["available"], points["held"], flows["spent"]) >= 0
        assert points["available"] + points["held"] + flows["spent"] - points["debt"] == flows["earned"]
        # Nobody owes while he has, and nobody has had more than was given for what he kept.
        assert not (points["debt"] and points["available"])


def flows_of(entries: list[dict[str, Any]]) -> dict[str, int]:
    """What the postings say was earned and kept, and what was spent and not given back."""
    flows = {"earned": 0, "spent": 0}
    for entry in entries:
        for posting in entry["postings"]:
            if posting["unit"] != "POINT":
                continue
            amount, debit, credit = posting["amount"], posting["debit"], posting["credit"]
            flows["earned"] += amount * ((debit == "issued") - (credit == "issued"))
            flows["spent"] += amount * ((credit == "redeemed") - (debit == "redeemed"))
    return flows


@examples(25)
@given(moves=Moves)
def test_points_of_two_channels_are_in_one_state(shop: Shop, moves: Any) -> None:
    """KFC 2018: two channels act on one thing at the same moment, in any order; its value is in one state only."""
    contest = shop.contest()
    counters = Counters(contest, contest.member(POINTS))
    for app, till, points, chosen in moves:
        wishes = [counters.move(kind, points, chosen) for kind in (app, till)]
        requests = [wish for wish in wishes if wish is not None]
        for request, answer in zip(requests, contest.race(requests), strict=True):
            counters.hear(request, answer)
        counters.check()


@pytest.mark.parametrize("first", ["capture", "release"])
def test_a_voucher_that_one_channel_has_ended_gives_the_other_nothing(contest: Contest, first: str) -> None:
    """KFC 2018: a voucher in an unpaid order of the app, refunded through the other channel, was used in both."""
    member = contest.member(POINTS)
    hold = contest.send(contest.holding(member, points=60)).document["hold_id"]
    ends = {"capture": contest.capturing, "release": contest.releasing}
    ended = contest.send(ends.pop(first)(hold)).document
    ((_, other),) = ends.items()
    for late in [other(hold)] * 2:
        answer = contest.send(late)
        assert (answer.status, answer.code) == (409, "hold_not_open")
    if first == "capture":
        refunds = contest.race([contest.refunding(ended["redemption_id"], 60) for _ in range(10)])
        assert sorted(codes(refunds), key=str) == [None, *["refund_exceeds_redemption"] * 9]
    assert contest.points(member) == (POINTS, 0)


def test_points_of_goods_that_went_back_are_owed_where_they_were_spent(contest: Contest) -> None:
    """Hangzhou: a refund left the points of sham sales. Here they are owed, and the next sale pays for them."""
    member = contest.member()
    for _ in range(5):
        purchase = contest.fresh()
        assert contest.send(contest.buying(member, POINTS, purchase)).status == 201
        contest.send(contest.redeeming(member, POINTS))
        assert contest.send(contest.returning(purchase, 100 * POINTS)).status == 201
    standing = contest.get(f"/v1/members/{member}/balance")
    assert (standing["points"]["available"], standing["points"]["debt"]) == (0, POINTS)
    assert standing["growth"]["value"] == 0
    assert contest.send(contest.buying(member, POINTS + 1)).status == 201
    assert contest.available(member) == 1


def test_partial_refunds_through_two_tills_never_exceed_the_original(shop: Shop) -> None:
    """Hangzhou: many partial refunds at once, of goods and of points; none of them comes twice."""
    contest = shop.contest("pos")
    member, purchase = contest.member(), contest.fresh()
    assert contest.send(contest.buying(member, 90, purchase)).status == 201
    redemption = contest.send(contest.redeeming(member, 90)).document["redemption_id"]
    wishes = [contest.returning(purchase, 1_700) for _ in range(10)]
    wishes += [contest.refunding(redemption, 17) for _ in range(10)]
    answers = contest.race(wishes)
    done = [answer.status for answer in answers]
    assert (done[:10].count(201), done[10:].count(201)) == (5, 5)
    # 5 points of the sale and 5 of the redemption are left: he has what he may keep, and owes nothing.
    points = contest.get(f"/v1/members/{member}/balance")["points"]
    assert (points["available"], points["debt"]) == (0, 0)
