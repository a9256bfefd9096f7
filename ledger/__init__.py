"""A loyalty points and growth-value ledger: double-entry, idempotent, able to explain every number."""

from typing import Final

__version__: Final = "0.1.0"
