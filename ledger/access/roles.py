"""Who may do what, as data: a key has one role, a role is a set of scopes, a route demands one scope.

- ``pos`` and ``checkout`` earn, redeem, hold, return and refund, for the customer before them. They do not
  move points between members, nor award points without a purchase, nor undo entries: these are the
  insider's ways to another's points.
- ``operator`` proposes what a person decides (an adjustment, a rate, a rule); ``approver`` decides on it
  and proposes nothing, so that no single key does both.
- ``finance`` reads everything, reports included. ``readonly`` reads members and entries.
- ``admin`` sets up a program and may do all but approve: two persons stay two persons.
"""

from typing import Final

PUBLIC: Final = "public"
"""The scope of a route that needs no key: health and documentation."""

SCOPES: Final = {
    "read": "Read members, balances, entries, rates and quotes",
    "members:write": "Enrol members and change what is known of them",
    "earn": "Post purchases and activities",
    "award": "Award points without a purchase",
    "redeem": "Redeem points, hold, capture and release them, and take quotes",
    "refund": "Post returns of purchases and refunds of redemptions",
    "transfer": "Transfer points between members",
    "reverse": "Reverse an entry",
    "propose": "Propose adjustments, rates and rules",
    "approve": "Approve or reject what another key has proposed",
    "finance": "Read the reports and exports",
    "program:write": "Change the terms of the program",
    "test-clock": "Set the clock of a test program",
}

_TILL: Final = frozenset({"read", "members:write", "earn", "redeem", "refund"})

ROLES: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset(SCOPES) - {"approve"},
    "pos": _TILL,
    "checkout": _TILL,
    "finance": frozenset({"read", "finance"}),
    "operator": frozenset(
        {"read", "members:write", "award", "refund", "transfer", "reverse", "propose", "test-clock"}
    ),
    "approver": frozenset({"read", "approve"}),
    "readonly": frozenset({"read"}),
}
