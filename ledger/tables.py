"""All tables in one place, for migrations and for tests that compare them with the database."""

from ledger.access import models as _access
from ledger.accounts.models import metadata
from ledger.finance import models as _finance
from ledger.finance.checkpoints import models as _checkpoints
from ledger.finance.reconciliation import models as _reconciliation
from ledger.journal import models as _journal

__all__ = ["metadata"]

_ = (_access, _checkpoints, _finance, _journal, _reconciliation)
