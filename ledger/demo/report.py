"""The reconciliation as it is printed: what went in, what the books say, and that nothing is left between."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from ledger.accounts.chart import Account
from ledger.demo.baskets import BASKETS, CENTS, LINES
from ledger.demo.figures import Figures
from ledger.demo.replay import Played
from ledger.finance.verify import Finding
from ledger.money import show_major

CURRENCY = "USD"

Row = tuple[str, str]


def table_of(played: Played, figures: Figures, findings: Sequence[Finding]) -> Table:
    """All figures but the time it took: the same for one seed, whenever and wherever it is run."""
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for title, rows in (
        ("Read", _read(played)),
        ("Posted", _posted(played, figures)),
        ("Points", _points(figures)),
        ("Growth", _growth(figures)),
        ("Given by rule", _awarded(figures)),
        ("Members by tier", _tiers(figures)),
        ("Budget of the coffee weeks", _budget(figures)),
        ("Differences", _differences(figures)),
        ("Verified", _verified(findings)),
    ):
        table.add_row(f"[bold]{title}[/bold]")
        for name, value in rows:
            table.add_row(f"  {name}", value)
    return table


def pace_of(entries: int, milliseconds: int) -> Iterator[Row]:
    """How long it took; the only figures that differ from run to run."""
    yield "wall time", f"{milliseconds // 1_000}.{milliseconds % 1_000 // 100} s"
    yield "entries per second", f"{entries * 1_000 // max(1, milliseconds):,}"


def _read(played: Played) -> Iterator[Row]:
    yield "baskets", _part(played.baskets, BASKETS)
    yield "lines", _part(played.lines, LINES)
    yield "checksum, cents", _part(played.cents, CENTS)
    yield "spent", f"{show_major(played.cents, CURRENCY)} {CURRENCY}"


def _posted(played: Played, figures: Figures) -> Iterator[Row]:
    yield "commands", f"{played.commands:,}"
    for code, count in sorted(played.refusals.items()):
        yield f"  refused, {code}", f"{count:,}"
    yield "entries", f"{sum(figures.entries.values()):,}"
    for kind, count in figures.entries.items():
        yield f"  {kind}", f"{count:,}"
    yield "postings", f"{figures.postings:,}"


def _points(figures: Figures) -> Iterator[Row]:
    movements, balances = figures.movements, figures.balances
    yield "opening", "0"
    yield "+ issued", f"{movements.issued:,}"
    yield "- redeemed", f"{movements.redeemed:,}"
    yield "+ redemption refunds", f"{movements.redemption_refunds:,}"
    yield "- expired", f"{movements.expired:,}"
    yield "- clawed back", f"{movements.clawed_back:,}"
    yield "= outstanding", f"{movements.net:,}"
    yield "  held by members", f"{balances.points + balances.held:,}"
    yield "  less owed by members", f"{balances.debt:,}"


def _growth(figures: Figures) -> Iterator[Row]:
    totals = figures.trial_balance.totals
    yield "issued", f"{totals[Account.GROWTH_ISSUED].debit:,}"
    yield "clawed back", f"{totals[Account.GROWTH_ISSUED].credit:,}"
    yield "lapsed", f"{totals[Account.GROWTH_LAPSED].balance:,}"
    yield "outstanding", f"{figures.balances.growth:,}"


def _awarded(figures: Figures) -> Iterator[Row]:
    for (unit, rule), given in figures.awarded.items():
        yield f"{rule}, {'points' if unit == 'POINT' else 'growth value'}", f"{given:,}"


def _tiers(figures: Figures) -> Iterator[Row]:
    for tier, members in figures.tiers.items():
        yield tier, f"{members:,}"


def _budget(figures: Figures) -> Iterator[Row]:
    totals = figures.trial_balance.totals
    yield "granted", f"{totals[Account.FUND_GRANTED].debit:,}"
    yield "spent", f"{totals[Account.FUND_SPENT].credit:,}"
    yield "left", f"{totals[Account.FUND].balance:,}"


def _differences(figures: Figures) -> Iterator[Row]:
    for name, difference in figures.differences.items():
        yield name, f"{difference:,}"


def _verified(findings: Sequence[Finding]) -> Iterator[Row]:
    yield "checks", f"{len(findings):,}"
    yield "broken", f"{sum(not finding.is_sound for finding in findings):,}"


def _part(read: int, whole: int) -> str:
    return f"{read:,}" if read == whole else f"{read:,} of {whole:,}"
