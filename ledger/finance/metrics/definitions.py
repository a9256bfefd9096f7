"""Redemption rates by their definitions: what is divided by what, how it is rounded, and what it is called.

- **period**: points redeemed of points issued, both in the window. The headline, and what the band is set for.
- **cohort**: of the points issued in the calendar months that the window touches, what has been redeemed by ``as_of``.
- **velocity**: points redeemed in the window, of the outstanding points: the mean of those before it and at its end.
- **participation**: members who redeemed at least a point, of the members who were active in the window.
- **breakage**: points expired of points issued, both in the window.

*Net* takes away what was taken back: refunds from what was redeemed, claw-backs from what was issued. *Gross* takes
nothing away. Points adjusted by hand, transferred or forfeited count in none. Of nothing there is no rate. Pure.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ledger.accounts.chart import Account
from ledger.rules.words import Text, Words

NET: Final = "net"
GROSS: Final = "gross"
BASES: Final = (NET, GROSS)

PERIOD: Final = "period"
COHORT: Final = "cohort"
VELOCITY: Final = "velocity"
PARTICIPATION: Final = "participation"
BREAKAGE: Final = "breakage"
DEFINITIONS: Final = (PERIOD, COHORT, VELOCITY, PARTICIPATION, BREAKAGE)

DIGITS: Final = 4
"""Digits after the point of a rate as it is shown, rounded half to even."""

LABELS: Final[dict[str, Words]] = {
    PERIOD: Words(
        "Period redemption rate: points redeemed ÷ points issued, both after {start} and up to {end}. "
        "{basis}. {points}.",
        "期间核销率：{start} 之后至 {end} 核销的积分 ÷ 同期发放的积分。{basis}。{points}。",
    ),
    COHORT: Words(
        "Cohort redemption rate: points redeemed by {as_of} ÷ points issued, of the points issued in {first} to "
        "{last}. {basis}. {points}.",
        "批次核销率：{first} 至 {last} 发放的积分中，截至 {as_of} 已核销的积分 ÷ 发放的积分。{basis}。{points}。",
    ),
    VELOCITY: Words(
        "Redemption velocity: points redeemed after {start} and up to {end} ÷ the mean of the outstanding points at "
        "both. {basis}. {points}.",
        "核销速度：{start} 之后至 {end} 核销的积分 ÷ 两个时点未核销积分的平均值。{basis}。{points}。",
    ),
    PARTICIPATION: Words(
        "Member participation: members who redeemed at least one point ÷ members who were active, both after {start} "
        "and up to {end}. {basis}.",
        "会员参与率：{start} 之后至 {end} 至少核销 1 积分的会员数 ÷ 同期活跃会员数。{basis}。",
    ),
    BREAKAGE: Words(
        "Period breakage: points expired ÷ points issued, both after {start} and up to {end}. {basis}. {points}.",
        "期间失效率：{start} 之后至 {end} 过期的积分 ÷ 同期发放的积分。{basis}。{points}。",
    ),
}
_BASES: Final = {
    NET: Words("Net of refunds, returns and reversals", "已扣除退款、退货与冲正"),
    GROSS: Words("Gross of refunds, returns and reversals", "未扣除退款、退货与冲正"),
}
_POINTS: Final = Words("All points issued, bought or given", "包含消费所得与赠送的全部积分")


class Ratio(NamedTuple):
    """What is divided by what. A denominator may be a mean, and so a half."""

    numerator: int
    denominator: Fraction

    @property
    def exact(self) -> Fraction | None:
        """The rate; None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator > 0 else None

    @property
    def shown(self) -> str | None:
        """The rate with its ``DIGITS``."""
        return None if self.exact is None else show_share(self.exact)


class Counts(NamedTuple):
    """What a window has of each."""

    issued: int
    clawed_back: int
    redeemed: int
    redemption_refunds: int
    expired: int
    opening: int
    closing: int


def show_share(share: Fraction) -> str:
    """A share as text, rounded half to even."""
    return f"{Decimal(round(share * 10**DIGITS)).scaleb(-DIGITS):f}"


def ratio_of(definition: str, basis: str, counts: Counts) -> Ratio:
    """The ratio of a definition that counts points in the window."""
    is_net = basis == NET
    issued = Fraction(counts.issued - counts.clawed_back * is_net)
    redeemed = counts.redeemed - counts.redemption_refunds * is_net
    if definition == VELOCITY:
        return Ratio(redeemed, Fraction(counts.opening + counts.closing, 2))
    return Ratio(counts.expired if definition == BREAKAGE else redeemed, issued)


def cohort_ratio(basis: str, pairs: Iterable[tuple[Account, Account, int]]) -> Ratio:
    """The ratio of cohorts, whose sums tell points of a cohort apart wherever they went.

    Net, what was clawed back though it had been spent was spent of nothing, and what repays such a debt is spent: so
    all cohorts together have redeemed what the roll-forward has.
    """
    issued, redeemed = 0, 0
    for debit, credit, amount in pairs:
        lots = (Account.POINTS, Account.HELD)
        if debit is Account.ISSUED and credit in lots:
            issued += amount
        elif credit is Account.REDEEMED and debit in lots:
            redeemed += amount
        elif basis == NET:
            issued -= amount * (credit is Account.ISSUED)
            spent_again = (debit, credit) == (Account.POINTS, Account.DEBT)
            given_back = debit is Account.REDEEMED or (debit, credit) == (Account.DEBT, Account.ISSUED)
            redeemed += amount * (spent_again - given_back)
    return Ratio(redeemed, Fraction(issued))


def label(definition: str, basis: str, **told: str) -> Text:
    """What a rate says, in words: the definition, the window, what was taken away, and which points."""
    words, of_basis = LABELS[definition], _BASES[basis]
    return {
        "en": words.en.format(**told, basis=of_basis.en, points=_POINTS.en),
        "zh": words.zh.format(**told, basis=of_basis.zh, points=_POINTS.zh),
    }
