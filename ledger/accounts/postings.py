"""A posting: one bilateral move inside an entry. It always balances, because it cannot do otherwise."""

from datetime import datetime
from typing import NamedTuple

from ledger.accounts.chart import Account


class Opening(NamedTuple):
    """The terms of a lot that a posting opens. ``expires_at`` None means never."""

    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    rolling: bool = False


class Posting(NamedTuple):
    """``amount`` (at least 1) moves from the ``debit`` account to the ``credit`` account.

    It names its lot where points or growth of a lot move, and the lot's terms where it opens one.
    """

    debit: Account
    credit: Account
    amount: int
    lot_id: bytes | None = None
    opens: Opening | None = None
