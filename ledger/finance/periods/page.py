"""The close pack as one page to read, print and sign: complete in itself, without scripts and outside addresses. Pure.

English first, Chinese beside it. The page shows what the pack says and works nothing out; where it shows only the
largest rows of a list it says how many there are, and the pack has them.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.finance.charts import Series, bar_chart, stacked_bars
from ledger.finance.periods import labels
from ledger.finance.periods.markup import (
    NOTHING,
    Column,
    Figures,
    Label,
    chart,
    note,
    pairs,
    section,
    share,
    table,
)
from ledger.finance.periods.style import STYLE

PRINTED_KEYS: Final = 40
"""Rows of a dimension that stand on the page: those that moved most."""

PRINTED_ENTRIES: Final = 200
CHARTED_KEYS: Final = 8
CHARTED_COHORTS: Final = 24

_STYLE_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
"""What the page may do: use the one style sheet that stands in it, and nothing else."""

_MOVEMENTS: Final = tuple(labels.MOVEMENTS)


def page_of_pack(pack: Mapping[str, Any], pack_hash: str) -> str:
    """The page, complete in itself. ``pack_hash`` is the SHA-256 of the pack's bytes, in hex."""
    figures = Figures(pack["currency"])
    title = escape(f"Close pack {pack['period']}, {pack['program']}")
    body = "\n".join(_sections(pack, figures))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{_cover(pack, pack_hash, figures)}\n<main>\n{body}\n</main>\n"
        f"<footer><p>{title}</p><p>SHA-256 <code>{escape(pack_hash)}</code></p></footer>\n</body>\n</html>\n"
    )


def _cover(pack: Mapping[str, Any], pack_hash: str, figures: Figures) -> str:
    checkpoint = pack["checkpoint"] or {}
    points, deferral = pack["points"], pack["deferral"]
    tied_up = sum(tie["difference"] == 0 for tie in pack["ties"])
    is_tied = tied_up == len(pack["ties"])
    tied = (
        Label("every tie differs by 0", "全部勾稽一致")
        if is_tied
        else Label("some ties differ", "存在勾稽差异")
    )
    cards = (
        (Label("Points outstanding", "未兑积分"), figures.write(points["closing"], "points")),
        (Label(f"Book liability, {pack['currency']}", "账面负债"), figures.money(deferral["closing"])),
        (Label("Redemption rate", "本月兑换率"), _rate(pack["redemption_rate"][0]["rate"])),
        (Label("Ties", "勾稽"), f"{tied_up} of {len(pack['ties'])}"),
    )
    shown = "".join(f"<li>{name.shown()}<strong>{escape(value)}</strong></li>" for name, value in cards)
    named = pairs(
        (
            (Label("Program", "计划"), pack["program"]),
            (
                Label("Period", "期间"),
                f"{_day(pack, 'from', 1)} {NOTHING} {_day(pack, 'to')}, {pack['timezone']}",
            ),
            (Label("Closed by", "结账人"), pack["closed_by"]),
            (Label("Known as of", "数据截至"), pack["known_as_of"]),
            (Label("Pack hash (SHA-256)", "结账包哈希"), pack_hash),
            (Label("Pack hash of the month before", "上月结账包哈希"), pack["previous_pack_hash"] or NOTHING),
            (Label("Checkpoint", "检查点"), checkpoint.get("checkpoint_id", NOTHING)),
            (Label("Root of the checkpoint", "检查点根哈希"), checkpoint.get("root", NOTHING)),
        )
    )
    return (
        f'<header><p class="kind">{Label("Close pack", "结账包").shown()}</p>'
        f'<h1>{escape(pack["program"])} <span class="period">{escape(pack["period"])}</span></h1>'
        f'<ul class="cards">{shown}</ul>'
        f'<p class="{"tied" if is_tied else "untied"}">{tied.shown()}</p>{named}</header>'
    )


def _sections(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    yield section("points", Label("Points roll-forward", "积分变动表"), *_points(pack, figures))
    yield section("money", Label("Deferral roll-forward", "递延收入变动表"), *_money(pack, figures))
    yield section("liability", Label("Liability", "积分负债"), *_liability(pack, figures))
    yield section("trial-balance", Label("Trial balance", "试算平衡表"), *_trial_balance(pack, figures))
    yield section(
        "ties", Label("Ties", "勾稽关系"), table(labels.TIES, labels.TIE_COLUMNS, pack["ties"], figures)
    )
    yield section("basis", Label("Estimates and policies", "估计与会计政策"), *_basis(pack, figures))
    yield section("entries", Label("Late and manual entries", "迟到与手工分录"), *_entries(pack, figures))
    yield section("signatures", Label("Signatures", "签字"), _signatures())


def _points(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    points = pack["points"]
    signs = dict.fromkeys(labels.LEAVING, -1)
    moved = [name for name in _MOVEMENTS if points[name]]
    if moved:
        yield chart(
            bar_chart(
                "Points that came and went",
                f"What moved the outstanding points in {pack['period']}; the figures stand in the table below.",
                [labels.MOVEMENTS[name].english for name in moved],
                [Series("points", [signs.get(name, 1) * points[name] for name in moved])],
            )
        )
    rows = [{"name": label, "points": points[name]} for name, label in labels.ROLLED.items()]
    columns = (Column("name", Label("Movement", "变动")), Column("points", Label("Points", "积分"), "points"))
    yield table(labels.ROLL_FORWARD, columns, rows, figures)
    rates = [row | {"window": labels.WINDOWS[row["window"]]} for row in pack["redemption_rate"]]
    yield table(labels.RATES, labels.RATE_COLUMNS, rates, figures)
    for dimension, label in labels.DIMENSIONS.items():
        yield from _points_by(pack["points_by"][dimension], label, figures)


def _points_by(by: Mapping[str, Any], label: Label, figures: Figures) -> Iterator[str]:
    rows = sorted(by["rows"], key=lambda row: (-sum(abs(row[name]) for name in _MOVEMENTS), row["key"]))
    if not rows or [row["key"] for row in rows] == [""]:
        yield note(f"By {label.english.lower()}: no entry names one.", f"按{label.chinese}：无分录注明。")
        return
    charted = rows[:CHARTED_KEYS]
    series = [
        Series(labels.MOVEMENTS[name].english, [row[name] for row in charted])
        for name in ("issued", "redeemed")
    ]
    described = f"The {len(charted)} that moved most; the figures stand in the table below."
    if any(any(each.values) for each in series):
        names = [_clipped(row["key"]) or NOTHING for row in charted]
        yield chart(bar_chart(f"By {label.english.lower()}", described, names, series))
    columns = (Column("key", label), *labels.ROLL_COLUMNS)
    yield table(
        Label(f"By {label.english.lower()}", f"按{label.chinese}"), columns, rows[:PRINTED_KEYS], figures
    )
    yield _rest(len(rows[:PRINTED_KEYS]), by["keys"])


def _money(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    deferral = pack["deferral"]
    rows = [
        {"name": label, "money": deferral[name]}
        for name, label in labels.MONEY.items()
        if name in ("opening", "closing") or deferral[name]
    ]
    moved = [name for name in labels.MONEY if name not in ("opening", "closing") and deferral[name]]
    if moved:
        yield chart(
            bar_chart(
                f"What moved the deferral book, {figures.currency} minor units",
                "The rows of the roll-forward in money; the figures stand in the table below.",
                [labels.MONEY[name].english for name in moved],
                [Series(figures.currency, [deferral[name] for name in moved])],
            )
        )
    columns = (
        Column("name", Label("Row", "项目")),
        Column("money", Label(figures.currency, "金额"), "money"),
    )
    yield table(labels.MONEY_ROLL_FORWARD, columns, rows, figures)
    yield table(labels.LINES, labels.LINE_COLUMNS, deferral["lines"], figures)
    yield table(labels.BALANCES, labels.BALANCE_COLUMNS, deferral["balances"], figures)


def _liability(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    liability = pack["liability"]
    cohorts = liability["by_cohort"]
    months = sorted({row["cohort"] for row in cohorts})[-CHARTED_COHORTS:]
    if months:
        yield chart(
            stacked_bars(
                f"Book liability by issue month, {figures.currency} minor units",
                f"The last {len(months)} issue months; the figures stand in the table below.",
                months,
                [
                    Series(labels.POOLS[pool].english, _carried(cohorts, pool, months))
                    for pool in labels.POOLS
                ],
            )
        )
    money = ("face_value", "book_liability", "economic_value")
    named = [
        (labels.LIABILITY[name], figures.write(liability[name], "money" if name in money else "points"))
        for name in ("outstanding", "owed_by_members", *money)
    ]
    expectation = (labels.LIABILITY["net_redemption_rate"], _rate(liability["net_redemption_rate"]))
    bid = (Label(f"Bid, {figures.currency} for a point", "积分买入价"), liability["bid"] or NOTHING)
    backlog = (labels.BACKLOG, figures.write(pack["expiry_backlog"]["points"], "points"))
    yield pairs([*named, expectation, bid, backlog])
    yield table(labels.COHORTS, labels.COHORT_COLUMNS, cohorts, figures)
    yield table(labels.SENSITIVITY, labels.SENSITIVITY_COLUMNS, liability["sensitivity"], figures)


def _trial_balance(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    for total in pack["balances"]:
        unit = total["unit"]
        lines = [line for line in pack["trial_balance"] if line["unit"] == unit]
        if not lines:
            continue
        sums = {
            "account": f"difference {figures.write(total['difference'], 'amount', unit)}",
            "unit": unit,
            "debit": total["total_debit"],
            "credit": total["total_credit"],
        }
        caption = Label(f"In {unit}", f"单位 {unit}")
        yield table(caption, labels.ACCOUNT_COLUMNS, lines, figures, total=sums)


def _basis(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    yield table(labels.ESTIMATES, labels.ESTIMATE_COLUMNS, pack["estimates"], figures)
    if not pack["estimates"]:
        yield note(
            "Without an estimate every point is expected to be redeemed.",
            "没有估计时，按全部积分都会兑换处理。",
        )
    yield table(labels.POLICIES, labels.POLICY_COLUMNS, pack["policies"], figures)


def _entries(pack: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    for name, caption in labels.FLAGGED.items():
        found = pack[name]
        shown = found["data"][:PRINTED_ENTRIES]
        yield table(caption, labels.ENTRY_COLUMNS, shown, figures)
        yield _rest(len(shown), found["entries"])


def _signatures() -> str:
    lines = "".join(
        f"<div><span>{label.shown()}</span><i></i><span>{Label('Date', '日期').shown()}</span><i></i></div>"
        for label in labels.SIGNERS
    )
    return f'<div class="signatures">{lines}</div>'


def _rest(shown: int, there_are: int) -> str:
    """That more is there than is printed, where it is."""
    if shown >= there_are:
        return ""
    return note(
        f"{shown:,} of {there_are:,} are printed; the pack has more.",
        f"共 {there_are:,} 条，此处列示 {shown:,} 条；其余见结账包。",
    )


def _carried(cohorts: Sequence[Mapping[str, Any]], pool: str, months: Sequence[str]) -> list[int]:
    found = {row["cohort"]: row["book_liability"] for row in cohorts if row["pool"] == pool}
    return [found.get(month, 0) for month in months]


def _rate(value: str | None) -> str:
    return share(value) if value is not None else NOTHING


def _clipped(key: str) -> str:
    return key if len(key) <= labels.CHARTED_CHARACTERS else f"{key[: labels.CHARTED_CHARACTERS - 1]}…"


def _day(pack: Mapping[str, Any], end: str, microseconds: int = 0) -> str:
    """A day of the program's calendar; the period begins just after its ``from``."""
    instant = datetime.fromisoformat(pack[end]) + timedelta(microseconds=microseconds)
    return instant.astimezone(ZoneInfo(pack["timezone"])).date().isoformat()
