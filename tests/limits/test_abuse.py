"""Many accounts on one device: who is frozen, who is not, and what becomes of the rewards of whoever is."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.checkout import Checkout, fresh
from tests.rulesets import fixed, rule
from tests.whole_service import WholeService

ABUSE = {"attribute": "device", "members": 2}


@pytest.fixture
def shop(service: WholeService) -> Checkout:
    """Two members may have the same device."""
    return Checkout(service, abuse=ABUSE)


def put(shop: Checkout, member: str, **attributes: Any) -> bool:
    """Whether the member is frozen once these are his attributes."""
    answer = shop.tenant.send("PUT", f"/v1/members/{member}", role="pos", json={"attributes": attributes})
    assert answer.status_code in (200, 201), answer.data
    frozen: bool = answer.json["locks"]["frozen"]
    assert shop.get(f"/v1/members/{member}")["locks"]["frozen"] == frozen
    return frozen


def codes(shop: Checkout) -> list[str]:
    return [alert["code"] for alert in shop.get("/v1/alerts")["data"]]


def test_whoever_comes_beyond_the_number_is_frozen_and_somebody_is_told(shop: Checkout) -> None:
    assert [put(shop, f"m-{n}", device="of ann") for n in range(4)] == [False, False, True, True]
    alerts = shop.get("/v1/alerts")["data"]
    assert [(each["code"], each["details"]["member_id"], each["details"]["members"]) for each in alerts] == [
        ("attribute_shared", "m-3", 4),
        ("attribute_shared", "m-2", 3),
    ]
    (event,) = shop.get("/v1/members/m-2/locks")["data"]
    assert (event["lock"], event["on"]) == ("frozen", True)
    award = {"member_id": "m-2", "points": 5, "reason": "welcome", "reference": fresh("a")}
    shop.refused("/v1/earnings", award, "member_frozen", role="admin")
    # What tells the device is nobody's to read in an alert.
    assert "of ann" not in str(alerts)


def test_other_devices_other_attributes_and_other_programs_do_not_count(
    shop: Checkout, service: WholeService
) -> None:
    others = Checkout(service, abuse=ABUSE)
    assert not any(put(others, f"m-{n}", device="d1") for n in range(2))
    assert not any(put(shop, f"m-{n}", device=f"d{n}") for n in range(4))
    assert not any(put(shop, f"n-{n}", phone="d1") for n in range(4))
    assert not any(put(shop, f"o-{n}") for n in range(4))
    # A number is not the text of it.
    assert not put(shop, "p-0", device="7") and not put(shop, "p-1", device=7)
    assert codes(shop) == []


def test_who_was_looked_at_is_not_frozen_again_for_the_same(shop: Checkout) -> None:
    for number in range(3):
        put(shop, f"m-{number}", device="d1")
    shop.must("/v1/members/m-2/unfreeze", {"reason": "a family"}, status=200, role="operator")
    assert not put(shop, "m-2", device="d1", vip=True)
    # For another device that is shared by too many he is, and for the first one once he has had none.
    for number in range(2):
        put(shop, f"n-{number}", device="d2")
    assert put(shop, "m-2", device="d2")
    shop.must("/v1/members/m-2/unfreeze", {"reason": "a family"}, status=200, role="operator")
    assert not put(shop, "m-2")
    assert put(shop, "m-2", device="d1")


def test_members_who_are_there_already_stay_as_they_are_and_without_terms_nobody_is_frozen(
    service: WholeService,
) -> None:
    shop = Checkout(service)
    assert not any(put(shop, f"m-{n}", device="d1") for n in range(4))
    shop.terms(abuse=ABUSE)
    assert shop.get("/v1/members/m-3")["locks"]["frozen"] is False
    assert put(shop, "m-4", device="d1")


def test_of_many_who_come_at_once_exactly_so_many_are_not_frozen(shop: Checkout) -> None:
    with ThreadPoolExecutor(8) as pool:
        frozen = list(pool.map(lambda n: put(shop, f"m-{n}", device="d1"), range(8)))
    assert sorted(frozen) == [False] * 2 + [True] * 6


@pytest.mark.parametrize(
    "wrong", [{}, {"attribute": "device"}, {"attribute": "", "members": 1}, ABUSE | {"members": 0}]
)
def test_terms_that_say_nothing_sound_are_refused(shop: Checkout, wrong: dict[str, Any]) -> None:
    terms = shop.tenant.send("GET", "/v1/program").json["terms"] | {"abuse": wrong}
    answer = shop.tenant.send("PUT", "/v1/program/terms", json=terms)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def under_referral_rules(shop: Checkout) -> Checkout:
    """Ann may bring others: she is thanked with 50 points, and they are welcomed with 30."""
    rules = [rule("base"), fixed("welcome", 30, on="referral"), fixed("thanks", 50, on="referrer")]
    saved = shop.must("/v1/rule-sets", {"content": {"rules": rules}}, role="operator")
    proposed = shop.must(f"/v1/rule-sets/{saved['version']}/proposals", status=202, role="operator")
    shop.must(f"/v1/approvals/{proposed['approval_id']}/approve", status=200, role="approver")
    shop.award(1)
    return shop


def bring(shop: Checkout, member: str) -> None:
    body = {"activity_id": fresh("y"), "member_id": member, "type": "referral"}
    when = shop.purchase_of()["occurred_at"]
    shop.must("/v1/activities", body | {"occurred_at": when, "attributes": {"referrer": "ann"}})


@pytest.mark.parametrize("is_frozen", [False, True])
def test_nobody_is_rewarded_for_bringing_a_member_who_is_frozen(shop: Checkout, is_frozen: bool) -> None:
    under_referral_rules(shop)
    bring(shop, "ben")
    if is_frozen:
        shop.must("/v1/members/ben/freeze", {"reason": "a device of ann's"}, status=200, role="operator")
    bought = shop.buy(1_000, member_id="ben")
    assert bought["points"] == (10 if is_frozen else 40)
    assert shop.points("ann")[0] == (1 if is_frozen else 51)
    assert codes(shop) == (["reward_withheld"] if is_frozen else [])
    if is_frozen:
        # It is over: unfrozen, the next purchase is not the first, and what is due is adjusted by two keys.
        shop.must("/v1/members/ben/unfreeze", {"reason": "a brother"}, status=200, role="operator")
        assert shop.buy(1_000, member_id="ben")["points"] == 10
        assert shop.points("ann")[0] == 1
