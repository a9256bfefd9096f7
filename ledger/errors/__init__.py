"""Every way the ledger says no: one class per condition, one stable code per class.

The domain raises these and knows no HTTP; ``ledger.http.problems`` holds the one table from class to
status. A code never changes its meaning and a detail never changes its name. Broken invariants are
not errors of this kind: they are assertions, and roll the transaction back.
"""

from ledger.errors.absent import *  # noqa: F403
from ledger.errors.base import *  # noqa: F403
from ledger.errors.conflicts import *  # noqa: F403
from ledger.errors.refusals import *  # noqa: F403
from ledger.errors.requests import *  # noqa: F403
from ledger.errors.unavailable import *  # noqa: F403
