"""The one catalogue of what the ledger says to people, in English and in Chinese.

A text has a name, both languages, and the same slots in both. A slot takes a number or a text that is the
same in every language, or a text in both. Words that were released with an answer that is replayed never
change: a better wording comes under a name of its own.
"""

from typing import Final, NamedTuple

Text = dict[str, str]
"""A text in every language: ``{"en": …, "zh": …}``."""


class Words(NamedTuple):
    """A text with named slots, in both languages."""

    en: str
    zh: str


AMOUNTS: Final[dict[str, Words]] = {
    "POINT.one": Words("{number} point", "{number} 积分"),
    "POINT.many": Words("{number} points", "{number} 积分"),
    "GROWTH.one": Words("{number} growth value", "{number} 成长值"),
    "GROWTH.many": Words("{number} growth value", "{number} 成长值"),
    "POINT.noun": Words("points", "积分"),
    "GROWTH.noun": Words("growth value", "成长值"),
    "money": Words("{amount} {currency}", "{amount} {currency}"),
    "day": Words("{day} {month} {year}", "{year}年{month}{day}日"),
    "list.two": Words("{before}, {after}", "{before}、{after}"),
    "list.clauses": Words("{before}; {after}", "{before}；{after}"),
    "sentence": Words("{text}.", "{text}。"),
}

MONTHS: Final[dict[str, Words]] = {
    "month.1": Words("January", "1月"),
    "month.2": Words("February", "2月"),
    "month.3": Words("March", "3月"),
    "month.4": Words("April", "4月"),
    "month.5": Words("May", "5月"),
    "month.6": Words("June", "6月"),
    "month.7": Words("July", "7月"),
    "month.8": Words("August", "8月"),
    "month.9": Words("September", "9月"),
    "month.10": Words("October", "10月"),
    "month.11": Words("November", "11月"),
    "month.12": Words("December", "12月"),
}

AWARDS: Final[dict[str, Words]] = {
    # A rate on money in its plainest form. As released: answers to purchases are replayed with it.
    "rate.plain": Words(
        "{spent} {currency} spent × {per} {noun} per {step} {currency} = {earned} {noun}, rounded down",
        "消费 {spent} {currency}，每 {step} {currency} 得 {per} {noun}，向下取整共 {earned} {noun}",
    ),
    # What the rate goes by.
    "spent.total": Words("{money} spent", "消费 {money}"),
    "spent.cash": Words("{money} paid in money", "实付 {money}"),
    "spent.line": Words("{before} (line {lines})", "{before}（商品行 {lines}）"),
    "spent.lines": Words("{before} (lines {lines})", "{before}（商品行 {lines}）"),
    "spent.counted": Words("{before}, counted as {parts},", "{before}，按 {parts} 计算"),
    "part.category": Words("{amount} ({category})", "{amount}（{category}）"),
    "part.factor": Words("{before} × {factor}", "{before} × {factor}"),
    "sum": Words("{before} + {after}", "{before} + {after}"),
    # The rate itself.
    "rate.per": Words("{before} × {given} per {step}", "{before}，每 {step} 得 {given}"),
    "rate.from": Words(
        "{before} × {given} per {step} (the rate from {start} on)",
        "{before}，满 {start}，按每 {step} 得 {given}计",
    ),
    "slices": Words("{before}: {slices}", "{before}：{slices}"),
    "slices.factored": Words("{before}: ({slices})", "{before}：{slices}"),
    "slice": Words("{money} × {given} per {step}", "{money} 部分每 {step} 得 {given}"),
    "slice.next": Words("{before} + {after}", "{before}，{after}"),
    "rate.factor": Words("{before} × {factor} ({reason})", "{before}，按 {factor} 倍计（{reason}）"),
    "factor.tier": Words("tier {value}", "等级：{value}"),
    "factor.channel": Words("channel {value}", "渠道：{value}"),
    "factor.other": Words("{value}", "{value}"),
    # What comes of it.
    "rate.exact": Words("{before} = {earned}", "{before}，共 {earned}"),
    "rate.floor": Words(
        "{before} = {exact}, rounded down to {earned}", "{before}，合计 {exact}，向下取整为 {earned}"
    ),
    "rate.ceiling": Words(
        "{before} = {exact}, rounded up to {earned}", "{before}，合计 {exact}，向上取整为 {earned}"
    ),
    "rate.half_up": Words(
        "{before} = {exact}, rounded to {earned}", "{before}，合计 {exact}，四舍五入为 {earned}"
    ),
    "lines.floor": Words("{before}, each line rounded down: {lines}", "{before}，逐行向下取整：{lines}"),
    "lines.ceiling": Words("{before}, each line rounded up: {lines}", "{before}，逐行向上取整：{lines}"),
    "lines.half_up": Words("{before}, each line rounded: {lines}", "{before}，逐行四舍五入：{lines}"),
    "lines.one": Words("line {line} {spent} gives {number}", "商品行 {line} {spent} 得 {number}"),
    "lines.more": Words("{count} more lines give {number}", "其余 {count} 行得 {number}"),
    "lines.total": Words("{before}; together {earned}", "{before}，共 {earned}"),
    # A fixed award.
    "fixed.once": Words("a fixed {given}", "固定 {given}"),
    "fixed.line": Words("{given} × {times} (one for each line)", "每行 {given} × {times} 行"),
    "fixed.piece": Words("{given} × {times} (one for each piece)", "每件 {given} × {times} 件"),
    # An extra on what other rules give.
    "extra.part": Words("{rule} {amount}", "{rule} {amount}"),
    "extra.one": Words(
        "{parts}, {ratio} times: {whole} × {ratio} − {whole}",
        "{parts}，按 {ratio} 倍计，另加 {whole} × {ratio} − {whole}",
    ),
    "extra.many": Words(
        "{parts} = {whole}, {ratio} times: {whole} × {ratio} − {whole}",
        "{parts} = {whole}，按 {ratio} 倍计，另加 {whole} × {ratio} − {whole}",
    ),
    "sum.exact": Words("{before} = {earned}", "{before} = {earned}"),
    "sum.floor": Words(
        "{before} = {exact}, rounded down to {earned}", "{before} = {exact}，向下取整为 {earned}"
    ),
    "sum.ceiling": Words(
        "{before} = {exact}, rounded up to {earned}", "{before} = {exact}，向上取整为 {earned}"
    ),
    "sum.half_up": Words(
        "{before} = {exact}, rounded to {earned}", "{before} = {exact}，四舍五入为 {earned}"
    ),
    "award.cut": Words("{before}; {limit} leaves {left}", "{before}；{limit}仅余 {left}"),
    "rule.base": Words("base rate", "基础规则"),
}

FENCES: Final[dict[str, Words]] = {
    # A limit by what it is called.
    "limit.transaction": Words("the limit for one purchase", "单笔上限"),
    "limit.day": Words("the limit for the day", "当日上限"),
    "limit.week": Words("the limit for the week", "当周上限"),
    "limit.month": Words("the limit for the month", "当月上限"),
    "limit.ever": Words("the limit in all", "累计上限"),
    "limit.operator_day": Words("the cashier's limit for the day", "收银员当日上限"),
    "limit.other": Words("the limit {code}", "上限（{code}）"),
    "limit.campaign": Words("{limit} of the campaign {campaign}", "活动 {campaign} 的{limit}"),
    # Why something was not given, or not all of it.
    "why.limit": Words(
        "{limit} is {most}, and {used} were given before", "{limit}为 {most}，此前已发放 {used}"
    ),
    "why.limit_alone": Words("{limit} is {most}", "{limit}为 {most}"),
    "why.budget_exhausted": Words(
        "the budget that pays for it has {available} left", "活动预算仅余 {available}"
    ),
    "why.region_share": Words(
        "the region may give out only {available} more in this period", "本区域本期可发放额度仅余 {available}"
    ),
    "why.stacking": Words("{rule} applies in its place", "已适用“{rule}”，不可同时享受"),
    "why.once": Words("it is given once, and was given before", "每位会员仅限一次，此前已发放"),
    "why.rule_error": Words("the rule could not be worked out here", "该规则无法计算"),
    "why.too_large": Words("it is more than can be counted exactly", "数额超出可精确计算的范围"),
    "why.other": Words("a rule of the program does not allow it ({code})", "受活动规则限制（{code}）"),
    "fenced.nothing": Words("{wanted} not given: {why}", "{wanted}未发放：{why}"),
    "fenced.part": Words("{given} of {wanted} given: {why}", "应得 {wanted}，实得 {given}：{why}"),
    "fenced.error": Words("nothing given: {why}", "未发放：{why}"),
}

PURCHASES: Final[dict[str, Words]] = {
    "taken.return": Words("goods worth {money} went back on {day}", "{day}退货 {money}"),
    "taken.reversal": Words("the purchase was cancelled on {day}", "{day}整笔撤销"),
    "taken.reject": Words("the award was checked on {day}, and is not given", "{day}经核查不予发放"),
    "taken.amounts": Words("{points} and {growth} taken back", "扣回 {points}、{growth}"),
    "taken.owed": Words(
        "{points} of that were spent already and are owed now", "其中 {points}此前已用掉，记为欠分"
    ),
    "lot.opened": Words("{amount} given", "发放 {amount}"),
    "lot.available": Words("{number} can be used {until}", "可用 {number}，{until}"),
    "lot.pending": Words(
        "{number} can be used from {since} on, {until}", "{number} 自{since}起可用，{until}"
    ),
    "lot.counts": Words("{number} count {until}", "{number} 计入成长值，{until}"),
    "until.day": Words("until the end of {day}", "有效期至{day}"),
    "until.never": Words("with no end", "长期有效"),
    "when.once": Words("on {day}", "{day}"),
    "when.last": Words("most recently on {day}", "最近一次 {day}"),
    "lot.used": Words("{number} used {when}", "已使用 {number}（{when}）"),
    "lot.given_back": Words("{number} given back {when}", "退还 {number}（{when}）"),
    "lot.sent": Words("{number} sent to others {when}", "已转出 {number}（{when}）"),
    "lot.taken_back": Words("{number} taken back {when}", "已扣回 {number}（{when}）"),
    "lot.repaid": Words("{number} used to repay points owed {when}", "抵扣欠分 {number}（{when}）"),
    "lot.set_aside": Words("{number} set aside for an order {when}", "为订单冻结 {number}（{when}）"),
    "lot.held_for_review": Words(
        "{number} held back to be checked {when}", "待核查，暂扣 {number}（{when}）"
    ),
    "review.open": Words(
        "{points} are being checked and cannot be used yet; this ends on {day} at the latest",
        "{points}正在核查，暂不可用，最迟{day}结束",
    ),
    "review.released": Words("{points} were checked and can be used", "{points}经核查已解除暂扣，可以使用"),
    "review.rejected": Words("{points} were checked and are not given", "{points}经核查不予发放"),
    "review.lapsed": Words(
        "the time to check {points} is over, and they are held no longer",
        "{points}核查期已满，已自动解除暂扣",
    ),
    "lot.expired": Words("{number} expired at the end of {day}", "{number} 已于{day}到期"),
}

GROWTH: Final[dict[str, Words]] = {
    "window.never": Words("Growth value counts for ever.", "成长值长期有效。"),
    "window.fixed_days": Words(
        "Growth value counts on the day it is earned and for {count} days after it.",
        "成长值自获得当日起计入，之后 {count} 天内有效。",
    ),
    "window.end_of_month": Words(
        "Growth value counts to the end of the month {count} months after it is earned.",
        "成长值有效至获得后第 {count} 个月的月底。",
    ),
    "window.this_month": Words(
        "Growth value counts to the end of the month in which it is earned.", "成长值有效至获得当月的月底。"
    ),
    "window.end_of_quarter": Words(
        "Growth value counts to the end of the quarter that is {count} months after it is earned.",
        "成长值有效至获得 {count} 个月后所在季度的季末。",
    ),
    "window.this_quarter": Words(
        "Growth value counts to the end of the quarter in which it is earned.", "成长值有效至获得当季的季末。"
    ),
    "window.end_of_year": Words(
        "Growth value counts to the end of the year that is {count} months after it is earned.",
        "成长值有效至获得 {count} 个月后所在年度的年底。",
    ),
    "window.this_year": Words(
        "Growth value counts to the end of the year in which it is earned.", "成长值有效至获得当年的年底。"
    ),
    "growth.whole": Words("{amount} earned, counting {until}", "获得 {amount}，{until}"),
    "growth.part": Words(
        "{amount} earned, {taken} taken back: {given} − {back} = {left}, counting {until}",
        "获得 {amount}，扣回 {taken}：{given} − {back} = {left}，{until}",
    ),
    "growth.leaves": Words("{amount} no longer counts from {day} on", "{amount}自{day}起不再计入"),
}

TIERS: Final[dict[str, Words]] = {
    # Why a tier is what it is.
    "tier.entered": Words("{tier} entered with growth value {number}", "成长值 {number}，成为{tier}"),
    "tier.upgraded": Words(
        "raised from {before} to {tier}: growth value {number}, {threshold} needed",
        "由{before}升为{tier}：成长值 {number}，达到所需的 {threshold}",
    ),
    "tier.kept": Words(
        "{tier} kept: growth value {number} when it was judged, {threshold} needed",
        "保级成功，继续为{tier}：评定时成长值 {number}，达到所需的 {threshold}",
    ),
    "tier.grace": Words(
        "{tier} stays until the end of {day}: growth value {number} when the period ended, {threshold} needed;"
        " reach it by then to keep the tier",
        "{tier}宽限至{day}：期满时成长值 {number}，低于所需的 {threshold}；在此之前补足即可保级",
    ),
    "tier.downgraded": Words(
        "lowered from {before} to {tier}: growth value {number} when the period ended, {before} needs {threshold}",
        "由{before}降为{tier}：期满时成长值 {number}，低于{before}所需的 {threshold}",
    ),
    "tier.returned": Words(
        "lowered from {before} to {tier}: growth value {number} after a return, {before} needs {threshold}",
        "由{before}降为{tier}：退货后成长值 {number}，低于{before}所需的 {threshold}",
    ),
    "tier.terms_changed": Words(
        "from {before} to {tier}: the rules of the program changed", "会员规则调整，由{before}变为{tier}"
    ),
    "tier.terms_kept": Words(
        "{tier} stays: the rules of the program changed", "会员规则调整，{tier}不变，有效期更新"
    ),
    "tier.late_event": Words(
        "from {before} to {tier}: something that happened earlier was recorded late",
        "补记了较早发生的业务，由{before}调整为{tier}",
    ),
    "tier.merged": Words(
        "from {before} to {tier}: another account of the same member was merged into this one",
        "同一会员的另一账户已合并到本账户，由{before}调整为{tier}",
    ),
    "tier.merged_kept": Words(
        "{tier} stays, with another period: another account of the same member was merged into this one",
        "同一会员的另一账户已合并到本账户，{tier}不变，有效期更新",
    ),
    "tier.unmerged": Words(
        "from {before} to {tier}: an account that had been merged into this one was parted from it",
        "曾合并到本账户的账户已拆分，由{before}调整为{tier}",
    ),
    "tier.unmerged_kept": Words(
        "{tier} stays, with another period: an account that had been merged into this one was parted from it",
        "曾合并到本账户的账户已拆分，{tier}不变，有效期更新",
    ),
    "tier.late_kept": Words(
        "{tier} stays, with another period: something that happened earlier was recorded late",
        "补记了较早发生的业务，{tier}不变，有效期更新",
    ),
    # What is next, what keeps it, what will be lost.
    "next.missing": Words(
        "{missing} more to reach {tier}, which needs {threshold}",
        "再获得 {missing}即可升为{tier}（需要 {threshold}）",
    ),
    "keeps.never_ends": Words("{tier} has no end", "{tier}长期有效"),
    "keeps.enough": Words(
        "{tier} is judged at the end of {day}: {threshold} needed, and of the present growth value {number}"
        " still count then, so it is kept",
        "{tier}将于{day}期满评定：需要成长值 {threshold}，现有成长值届时仍计入 {number}，可以保级",
    ),
    "keeps.missing": Words(
        "{tier} is judged at the end of {day}: {threshold} needed, and of the present growth value {number}"
        " still count then, so {missing} more are needed by then",
        "{tier}将于{day}期满评定：需要成长值 {threshold}，现有成长值届时仍计入 {number}，在此之前还需 {missing}",
    ),
    "keeps.grace": Words(
        "{tier} is in its days of grace: {threshold} needed by the end of {day} to keep it, so {missing} more",
        "{tier}正处于宽限期：{day}结束前成长值达到 {threshold} 即可保级，还需 {missing}",
    ),
    "outlook.day": Words("if nothing is added, on {day}: {told}", "若不再获得成长值，{day}，{told}"),
    "pending.raises": Words(
        "{growth} will count from {day} on, and raise the tier to {tier}",
        "{growth}自{day}起计入，等级将升为{tier}",
    ),
    "pending.counts": Words(
        "{growth} will count from {day} on; the tier stays {tier}", "{growth}自{day}起计入，等级仍为{tier}"
    ),
}

CATALOGUE: Final[dict[str, Words]] = {**AMOUNTS, **MONTHS, **AWARDS, **FENCES, **PURCHASES, **GROWTH, **TIERS}


def say(key: str, **slots: object) -> Text:
    """The text of that name in both languages, its slots filled; KeyError for one that is not in the catalogue."""
    en, zh = CATALOGUE[key]
    in_en, in_zh = slots, slots
    for name, slot in slots.items():
        if isinstance(slot, dict):
            if in_en is in_zh:
                in_en, in_zh = slots.copy(), slots.copy()
            in_en[name], in_zh[name] = slot["en"], slot["zh"]
    return {"en": en.format_map(in_en), "zh": zh.format_map(in_zh)}
