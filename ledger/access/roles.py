"""Who may do what, as data: a key has one role, a role is a set of scopes, a route demands one scope.

- ``pos`` and ``checkout`` earn, award, redeem, hold, return and refund, for the customer before them. The
  checkout, a server that acts for a member who is logged in, transfers points as well. Neither undoes
  entries: that is an operator's work.
- No operator awards points without a purchase: a credit by hand is an adjustment, which takes two keys. What a
  till awards is bounded by limits, and told by operator and terminal.
- ``operator`` proposes what a person decides (an adjustment, a rate, a rule); ``approver`` decides on it
  and proposes nothing. Either of them switches a rule off: what does harm must stop at once, by whoever
  sees it. Either decides on awards that are held for review: neither can have sent them.
- ``finance`` reads everything, reports included, proposes how points are measured, and closes the months.
  ``readonly`` reads members and entries.
- ``admin`` may do all. Whoever approves must still be another key than the one that proposed.
- ``operator`` and ``admin`` keep keys, as far as ``KEEPS`` reaches.
"""

from typing import Final

PUBLIC: Final = "public"
"""The scope of a route that needs no key: health and documentation."""

SCOPES: Final = {
    "read": "Read members, balances, entries, rates and quotes",
    "members:write": "Enrol members and change what is known of them",
    "erase": "Erase what is known of a member, for good",
    "earn": "Post purchases and activities",
    "award": "Award points without a purchase",
    "redeem": "Redeem points, hold, capture and release them, and take quotes",
    "refund": "Post returns of purchases and refunds of redemptions",
    "transfer": "Transfer points between members",
    "reverse": "Reverse an entry",
    "batch": "Send batches; each operation in one demands its own scope as well",
    "propose": "Propose adjustments, rates and rules",
    "approve": "Approve or reject what another key has proposed",
    "switch": "Switch rules, campaigns and the band of the rate off and on",
    "finance": "Read the reports and exports, and hold uploads against the books",
    "close": "Propose estimates and deferral policies, and close accounting months",
    "program:write": "Change the terms of the program",
    "freeze": "Freeze and unfreeze the points of members, and have what they are awarded reviewed",
    "review": "Read what is held for review, and decide on it",
    "keys": "List, freeze, unfreeze and revoke keys",
    "test-clock": "Set the clock of a test program",
}

_TILL: Final = frozenset({"read", "members:write", "earn", "award", "redeem", "refund", "batch"})

ROLES: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset(SCOPES),
    "pos": _TILL,
    "checkout": _TILL | {"transfer"},
    "finance": frozenset({"read", "finance", "close"}),
    "operator": frozenset(
        {
            "read",
            "members:write",
            "erase",
            "refund",
            "transfer",
            "reverse",
            "batch",
            "propose",
            "switch",
            "freeze",
            "review",
            "keys",
            "test-clock",
        }
    ),
    "approver": frozenset({"read", "approve", "switch", "review"}),
    "readonly": frozenset({"read"}),
}

MEMBER: Final = "member"
"""What is told of a caller who comes with a member token. No key has this role: it has no scopes."""

GRANTABLE: Final = tuple(sorted(role for role, scopes in ROLES.items() if "approve" not in scopes))
"""The roles of keys that are made, set free and rotated over HTTP."""

KEEPS: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset(ROLES),
    "operator": frozenset(GRANTABLE),
}
"""Whose keys a role with the scope ``keys`` may freeze and revoke: none that may more than it could have granted."""

HEADQUARTERS_ROLES: Final = frozenset({"admin"})
"""Roles of which no key speaks for a region: they may do what is no region's to do."""
