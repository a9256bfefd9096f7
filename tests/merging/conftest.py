"""One service for the tests of a module; a shop of its own for each, where ann and bea turn out to be one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import Checkout, open_checkouts
from tests.whole_service import WholeService


class Shop(Checkout):
    """A checkout where members are merged and parted."""

    def propose(self, kind: str, duplicate: str = "bea", survivor: str = "ann", **how: Any) -> Any:
        body = {"duplicate_id": duplicate, "reason": "duplicate"}
        return self.send(f"/v1/members/{survivor}/{kind}", body, role=how.pop("role", "operator"), **how)

    def decide(self, proposed: Any) -> Any:
        return self.send(f"/v1/approvals/{proposed.json['approval_id']}/approve", role="approver")

    def merge(self, duplicate: str = "bea", survivor: str = "ann") -> dict[str, Any]:
        return self._join("merge", duplicate, survivor)

    def unmerge(self, duplicate: str = "bea", survivor: str = "ann") -> dict[str, Any]:
        return self._join("unmerge", duplicate, survivor)

    def _join(self, kind: str, duplicate: str, survivor: str) -> dict[str, Any]:
        proposed = self.propose(kind, duplicate, survivor)
        assert proposed.status_code == 202, proposed.data
        answer = self.decide(proposed)
        assert answer.status_code == 200, answer.data
        result: dict[str, Any] = answer.json["result"]
        return result

    def refusal(self, kind: str, duplicate: str = "bea", survivor: str = "ann") -> tuple[int, str]:
        answer = self.propose(kind, duplicate, survivor)
        return answer.status_code, answer.json["code"]

    def lots(self, member: str, unit: str = "POINT") -> list[tuple[int, str]]:
        """What is open, by when it ends: the part before the time of day."""
        found = self.get(f"/v1/members/{member}/lots")["data"]
        return sorted(
            (lot["remaining"], (lot["expires_at"] or "never")[:10]) for lot in found if lot["unit"] == unit
        )

    def growth(self, member: str = "ann") -> int:
        return self.get(f"/v1/members/{member}/balance")["growth"]["value"]  # type: ignore[no-any-return]

    def tier(self, member: str = "ann") -> str | None:
        tier = self.get(f"/v1/members/{member}/balance")["tier"]
        return tier and tier["code"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_checkouts(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService) -> Shop:
    return Shop(service)
