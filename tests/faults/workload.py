"""What the clients of a round send: a plan that follows from the seed alone.

A step names an earlier step of the same client where it needs one, so the plan depends on no answer. Few
members, so that everybody is in everybody's way.
"""

import random
from dataclasses import dataclass
from typing import Any, Final

OPERATIONS: Final = {
    "purchase": "/v1/purchases",
    "redemption": "/v1/redemptions",
    "refund": "/v1/redemptions/{redemption_id}/refunds",
    "return": "/v1/purchases/{purchase_id}/returns",
    "transfer": "/v1/transfers",
}
_WEIGHTS: Final = {"purchase": 30, "redemption": 30, "refund": 10, "return": 10, "transfer": 12, "batch": 8}
_BATCHED: Final = ("purchase", "redemption", "transfer")


@dataclass(frozen=True)
class Step:
    """One thing that a client wants. ``earlier`` is the number of the step that a refund or return is about."""

    number: int
    kind: str
    members: tuple[str, ...] = ()
    amount: int = 0
    earlier: int | None = None
    parts: tuple["Step", ...] = ()
    is_retried_at_once: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps of every client of a round."""

    seed: int
    members: tuple[str, ...]
    clients: tuple[tuple[Step, ...], ...]


def make_plan(seed: int, *, clients: int = 6, steps: int = 25) -> Plan:
    """The plan of a seed."""
    chance = random.Random(f"plan {seed}")
    members = tuple(f"{seed}.m{number}" for number in range(chance.randint(3, 8)))
    return Plan(seed, members, tuple(_Client(members, chance).steps(steps) for _ in range(clients)))


class _Client:
    def __init__(self, members: tuple[str, ...], chance: random.Random) -> None:
        self.members = members
        self.chance = chance
        self.numbers = 0
        self.done: dict[str, list[Step]] = {"purchase": [], "redemption": []}

    def steps(self, count: int) -> tuple[Step, ...]:
        return tuple(self._step(_WEIGHTS) for _ in range(count))

    def _step(self, weights: dict[str, int]) -> Step:
        (kind,) = self.chance.choices(list(weights), weights=list(weights.values()))
        number = self.numbers
        self.numbers += 1
        if kind == "batch":
            size = self.chance.randint(2, 6)
            parts = tuple(self._step({kind: _WEIGHTS[kind] for kind in _BATCHED}) for _ in range(size))
            return Step(number, kind, parts=parts, is_retried_at_once=self._flip())
        about = {"refund": "redemption", "return": "purchase"}.get(kind)
        if about and self.done[about]:
            earlier = self.chance.choice(self.done[about])
            amount = self.chance.randint(1, max(1, earlier.amount))
            return Step(number, kind, earlier.members, amount, earlier.number, (), self._flip())
        return self._first(number, "purchase" if about else kind)

    def _first(self, number: int, kind: str) -> Step:
        members = tuple(self.chance.sample(self.members, 2 if kind == "transfer" else 1))
        amount = self.chance.randint(100, 9_999) if kind == "purchase" else self.chance.randint(1, 60)
        step = Step(number, kind, members, amount, is_retried_at_once=self._flip())
        if kind in self.done:
            self.done[kind].append(step)
        return step

    def _flip(self) -> bool:
        return self.chance.random() < 1 / 2


@dataclass(frozen=True)
class Operation:
    """A step as it is sent: the name that a batch knows it by, every member of its payload, and its key."""

    name: str
    payload: dict[str, Any]
    key: str
    reference: str
    members: tuple[str, ...]

    @property
    def path(self) -> str:
        """The address of its own route."""
        return OPERATIONS[self.name].format(**self.payload)

    @property
    def body(self) -> dict[str, Any]:
        """The payload without what stands in the path."""
        return {
            name: value for name, value in self.payload.items() if f"{{{name}}}" not in OPERATIONS[self.name]
        }

    @property
    def item(self) -> dict[str, Any]:
        """It as an item of a batch."""
        return {"operation": self.name, "idempotency_key": self.key, "body": self.payload}


def operation_of(step: Step, prefix: str, occurred_at: str, redemption_id: str | None) -> Operation | None:
    """The operation of a step, whose names begin with ``prefix``; None for a refund of nothing."""
    name = f"{prefix}.{step.number}"
    payload: dict[str, Any]
    if step.kind == "purchase":
        line = {"line_id": "1", "quantity": 1, "amount": step.amount}
        payload = {"purchase_id": name, "member_id": step.members[0], "currency": "CNY", "lines": [line]}
        payload["occurred_at"] = occurred_at
    elif step.kind == "redemption":
        payload = {"member_id": step.members[0], "points": step.amount, "reference": name}
    elif step.kind == "transfer":
        sender, recipient = step.members
        payload = {
            "from_member_id": sender,
            "to_member_id": recipient,
            "points": step.amount,
            "reference": name,
        }
    elif step.kind == "return":
        line = {"line_id": "1", "quantity": 0, "amount": step.amount}
        payload = {"purchase_id": f"{prefix}.{step.earlier}", "return_id": name, "lines": [line]}
        payload["occurred_at"] = occurred_at
    elif redemption_id is None:
        return None
    else:
        payload = {"redemption_id": redemption_id, "points": step.amount, "reference": name}
    return Operation(step.kind, payload, f"key.{name}", name, step.members)
