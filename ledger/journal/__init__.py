"""The journal: the only writer of entries and postings."""

from ledger.journal.commands import Outcome, Request
from ledger.journal.post import post

__all__ = ["Outcome", "Request", "post"]
