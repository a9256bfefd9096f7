"""Who may ask for what: API keys, the roles that they carry, and the scopes that routes demand."""

from ledger.access.principals import Principal, admit_member, authenticate, presented_key, presented_token
from ledger.access.roles import PUBLIC, ROLES, SCOPES

__all__ = [
    "PUBLIC",
    "ROLES",
    "SCOPES",
    "Principal",
    "admit_member",
    "authenticate",
    "presented_key",
    "presented_token",
]
