"""The reports by name: what each takes, and what reads it. Routes and the command line ask here.

A reader is called with the connection, the program, its present, and what was asked of it by name; what is left out has
the reader's own default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ledger.finance.ageing import ageing_report
from ledger.finance.both_books import trial_balance_report
from ledger.finance.breakage.report import breakage_report
from ledger.finance.deferral.report import deferral_report
from ledger.finance.flagged import late_report, manual_report
from ledger.finance.issuance import issuance_report
from ledger.finance.liability import liability_report
from ledger.finance.metrics.redemption import redemption_rate_report
from ledger.finance.roll_forward import roll_forward_report
from ledger.finance.tables import Report

AS_OF: Final = ("as_of", "known_as_of")
PERIOD: Final = ("start", "end")


@dataclass(frozen=True, slots=True)
class Kind:
    """A report: what reads it, and what may be asked of it."""

    read: Callable[..., Report]
    takes: tuple[str, ...]


REPORTS: Final[Mapping[str, Kind]] = {
    "trial-balance": Kind(trial_balance_report, AS_OF),
    "points-roll-forward": Kind(roll_forward_report, (*PERIOD, "known_as_of", "member_id", "by")),
    "ageing": Kind(ageing_report, AS_OF),
    "liability": Kind(liability_report, AS_OF),
    "breakage": Kind(breakage_report, (*AS_OF, "method", "mature_after")),
    "deferral": Kind(deferral_report, (*PERIOD, *AS_OF, "period")),
    "issuance": Kind(issuance_report, (*PERIOD, "known_as_of")),
    "late-entries": Kind(late_report, (*PERIOD, "limit", "cursor")),
    "redemption-rate": Kind(redemption_rate_report, (*PERIOD, "definition", "basis", "as_of", "known_as_of")),
    "manual-entries": Kind(manual_report, (*PERIOD, "limit", "cursor")),
}
