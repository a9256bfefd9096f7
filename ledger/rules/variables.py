"""The variables of conditions: the schema that is published, and how each is read from the facts.

A variable keeps its name and its type for ever: saved conditions depend on them.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.clock import zone
from ledger.rules.facts import PURCHASE, Facts, Line
from ledger.rules.visits import is_anniversary_month, is_birth_month

INT, STRING, BOOL, LIST, MAP = "int", "string", "bool", "list(string)", "map(string, dyn)"


class Variable(NamedTuple):
    """A name that conditions may use. ``scope`` is ``event``, or ``line`` for conditions on lines."""

    name: str
    type: str
    scope: str
    en: str
    zh: str


VARIABLES: tuple[Variable, ...] = tuple(
    Variable(name, kind, "line" if name.startswith("line.") else "event", en, zh)
    for name, kind, en, zh in (
        ("purchase.amount", INT, "All lines together, in minor units", "订单总额（最小货币单位）"),
        (
            "purchase.cash_amount",
            INT,
            "The part not paid with points, in minor units",
            "非积分支付的金额（最小货币单位）",
        ),
        ("purchase.lines", INT, "How many lines it has", "商品行数"),
        ("purchase.quantity", INT, "Pieces of all lines", "商品总件数"),
        ("purchase.categories", LIST, "The categories in it, each once", "包含的品类（去重）"),
        ("purchase.skus", LIST, "The articles in it, each once", "包含的商品编码（去重）"),
        ("purchase.channel", STRING, "The channel; empty if unknown", "渠道；未知时为空"),
        ("purchase.currency", STRING, "The currency, such as CNY", "币种，例如 CNY"),
        ("store.id", STRING, "The store; empty if unknown", "门店；未知时为空"),
        ("region.id", STRING, "The region; empty if unknown", "区域；未知时为空"),
        ("member.id", STRING, "The member", "会员编号"),
        ("member.tier", STRING, "The tier's code; empty without tiers", "等级代码；无等级时为空"),
        ("member.region", STRING, "The member's own region; empty if unknown", "会员所属区域；未知时为空"),
        ("member.store", STRING, "The member's own store; empty if unknown", "会员所属门店；未知时为空"),
        ("member.growth", INT, "Growth value before this event", "本次之前的成长值"),
        ("member.points", INT, "Points available before this event", "本次之前的可用积分"),
        ("member.visits", INT, "Which purchase this is; the first is 1", "第几次消费；首次为 1"),
        ("member.streak", INT, "Days in a row with a visit, today included", "连续到店天数（含今天）"),
        ("member.enrolled_days", INT, "Days since enrolment", "入会天数"),
        (
            "member.is_birth_month",
            BOOL,
            "Whether it is the month of birth (attribute birth_month)",
            "是否生日当月（属性 birth_month）",
        ),
        (
            "member.is_anniversary_month",
            BOOL,
            "Whether it is the month of enrolment in a later year",
            "是否入会周年当月",
        ),
        ("member.attributes", MAP, "The program's own attributes of the member", "会员自定义属性"),
        ("time.year", INT, "The year, in the program's time zone", "年（项目所在时区）"),
        ("time.month", INT, "The month, 1 to 12", "月，1 至 12"),
        ("time.day", INT, "The day of the month", "日"),
        ("time.hour", INT, "The hour, 0 to 23", "小时，0 至 23"),
        ("time.minute", INT, "The minute", "分钟"),
        ("time.weekday", INT, "The day of the week: Monday is 1, Sunday 7", "星期几：周一为 1，周日为 7"),
        ("time.date", STRING, "The local day, such as 2026-11-22", "当地日期，例如 2026-11-22"),
        ("activity.type", STRING, "The type of an activity; empty for a purchase", "活动类型；消费时为空"),
        ("activity.attributes", MAP, "What the activity brought along", "活动附带属性"),
        ("line.category", STRING, "The line's category; empty if unknown", "商品行的品类；未知时为空"),
        ("line.sku", STRING, "The line's article; empty if unknown", "商品行的商品编码；未知时为空"),
        ("line.amount", INT, "The line's total in minor units", "商品行金额（最小货币单位）"),
        ("line.quantity", INT, "Pieces of the line", "商品行件数"),
    )
)

FROM_MEMBER_ROW = frozenset(
    {
        "member.region",
        "member.store",
        "member.enrolled_days",
        "member.is_birth_month",
        "member.is_anniversary_month",
        "member.attributes",
    }
)
"""Variables that stand beside the books, so that someone must load them."""


def event_values(names: Iterable[str]) -> Callable[[Facts], dict[str, Any]]:
    """What reads these variables of the event's scope from facts, and no others."""
    plain = [(name, _PLAIN[name]) for name in names if name in _PLAIN]
    local = [(name, _LOCAL[name]) for name in names if name in _LOCAL]

    def values(facts: Facts) -> dict[str, Any]:
        read: dict[str, Any] = {name: reader(facts) for name, reader in plain}
        if local:
            moment = facts.at.astimezone(zone(facts.timezone))
            for name, reader in local:
                read[name] = reader(facts, moment)
        return read

    return values


def line_values(line: Line) -> dict[str, Any]:
    """The variables of the line's scope."""
    return {
        "line.category": line.category or "",
        "line.sku": line.sku or "",
        "line.amount": line.amount,
        "line.quantity": line.quantity,
    }


def _each_once(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text is not None))


def _enrolled_days(facts: Facts, moment: datetime) -> int:
    enrolled_at = facts.member.enrolled_at
    if enrolled_at is None:
        return 0
    return max((moment.date() - enrolled_at.astimezone(moment.tzinfo).date()).days, 0)


_PLAIN: Mapping[str, Callable[[Facts], Any]] = {
    "purchase.amount": lambda facts: facts.spent,
    "purchase.cash_amount": lambda facts: facts.cash,
    "purchase.lines": lambda facts: len(facts.lines),
    "purchase.quantity": lambda facts: sum([line.quantity for line in facts.lines]),
    "purchase.categories": lambda facts: _each_once([line.category for line in facts.lines]),
    "purchase.skus": lambda facts: _each_once([line.sku for line in facts.lines]),
    "purchase.channel": lambda facts: facts.source.channel or "",
    "purchase.currency": lambda facts: facts.currency,
    "store.id": lambda facts: facts.source.store or "",
    "region.id": lambda facts: facts.source.region or "",
    "member.id": lambda facts: facts.member.member_id,
    "member.tier": lambda facts: facts.member.tier,
    "member.region": lambda facts: facts.member.region,
    "member.store": lambda facts: facts.member.store,
    "member.growth": lambda facts: facts.member.growth,
    "member.points": lambda facts: facts.member.points,
    "member.visits": lambda facts: facts.member.visits,
    "member.streak": lambda facts: facts.member.streak,
    "member.attributes": lambda facts: facts.member.attributes,
    "member.is_birth_month": lambda facts: is_birth_month(facts.member.attributes, facts.at, facts.timezone),
    "member.is_anniversary_month": lambda facts: is_anniversary_month(
        facts.member.enrolled_at, facts.at, facts.timezone
    ),
    "activity.type": lambda facts: "" if facts.occasion == PURCHASE else facts.occasion,
    "activity.attributes": lambda facts: facts.activity,
}

_LOCAL: Mapping[str, Callable[[Facts, datetime], Any]] = {
    "member.enrolled_days": _enrolled_days,
    "time.year": lambda _facts, moment: moment.year,
    "time.month": lambda _facts, moment: moment.month,
    "time.day": lambda _facts, moment: moment.day,
    "time.hour": lambda _facts, moment: moment.hour,
    "time.minute": lambda _facts, moment: moment.minute,
    "time.weekday": lambda _facts, moment: moment.isoweekday(),
    "time.date": lambda _facts, moment: moment.date().isoformat(),
}
