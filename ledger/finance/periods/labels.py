"""What the page of a close pack calls things, in English and in Chinese: captions, columns, rows. Pure."""

from typing import Final

from ledger.finance.periods.markup import Column, Label

CHARTED_CHARACTERS: Final = 10
"""Of a key under a bar."""

MOVEMENTS: Final = {
    "issued": Label("issued", "发放"),
    "redeemed": Label("redeemed", "兑换"),
    "redemption_refunds": Label("refunded", "兑换退回"),
    "expired": Label("expired", "过期"),
    "clawed_back": Label("clawed back", "退货扣回"),
    "adjusted": Label("adjusted", "手工调整"),
    "transferred": Label("transferred", "转赠"),
    "forfeited": Label("forfeited", "放弃"),
}
LEAVING: Final = frozenset({"redeemed", "expired", "clawed_back", "forfeited"})
"""Movements that lessen what is outstanding."""

ROLLED: Final = {"opening": Label("opening", "期初"), **MOVEMENTS, "closing": Label("closing", "期末")}

DIMENSIONS: Final = {
    "store": Label("Store", "门店"),
    "region": Label("Region", "区域"),
    "channel": Label("Channel", "渠道"),
    "rule": Label("Rule", "规则"),
    "tier": Label("Tier", "等级"),
}
MONEY: Final = {
    "opening": Label("opening", "期初"),
    "deferred": Label("deferred", "新增递延"),
    "released_on_redemption": Label("released on redemption", "兑换释放"),
    "released_on_expiry": Label("released on expiry", "过期释放"),
    "estimate_trueup": Label("estimate true-up", "估计调整"),
    "issue_reversals": Label("issue reversals", "发放冲回"),
    "transaction_price_changes": Label("price changes", "交易价格变动"),
    "revalued": Label("revalued", "重估"),
    "passed_on": Label("due to partners", "应付合作方"),
    "agent_fees": Label("agent fees", "代理费"),
    "closing": Label("closing", "期末"),
}
POOLS: Final = {"sale": Label("with purchases", "销售"), "award": Label("given otherwise", "赠送")}
LIABILITY: Final = {
    "outstanding": Label("Points outstanding", "未兑积分"),
    "owed_by_members": Label("Points that members owe", "会员欠分"),
    "face_value": Label("Face value at the bid", "面值"),
    "book_liability": Label("Book liability", "账面负债"),
    "economic_value": Label("Economic value", "经济价值"),
    "net_redemption_rate": Label("Expected redemption of what is left", "剩余预期兑换率"),
}
BACKLOG: Final = Label("Points whose end had come, not booked yet", "已到期未入账积分")
WINDOWS: Final = {
    "period": Label("the month", "本月"),
    "since_the_beginning": Label("since the beginning", "自始累计"),
}
FLAGGED: Final = {
    "late_entries": Label("Late entries booked in the month", "本月入账的迟到分录"),
    "manual_entries": Label("Manual entries booked in the month", "本月入账的手工分录"),
}
SIGNERS: Final = (
    Label("Prepared by", "编制"),
    Label("Reviewed by", "复核"),
    Label("Approved by (controller)", "批准（财务负责人）"),
    Label("Seen by (auditor)", "审阅（审计师）"),
)

ROLL_FORWARD: Final = Label("Points booked in the month", "本月入账积分")
RATES: Final = Label("Redemption rate, net: redeemed over issued", "净兑换率：兑换 / 发放")
MONEY_ROLL_FORWARD: Final = Label("Deferral book, booked in the month", "递延账簿本月变动")
LINES: Final = Label("Every journal line of the month", "本月全部会计分录")
BALANCES: Final = Label("Accounts of the deferral book", "递延账簿科目余额")
COHORTS: Final = Label("By issue month", "按发放月份")
SENSITIVITY: Final = Label("What other expectations would make of it", "敏感性分析")
ESTIMATES: Final = Label("Estimates in use", "所用估计")
POLICIES: Final = Label("Policies in use", "所用会计政策")
TIES: Final = Label("Figures that must be the same", "必须一致的数字")

_UNIT: Final = Column("unit", Label("Unit", "单位"))
_DEBIT_SIDE: Final = Label("Debit", "借方")
_CREDIT_SIDE: Final = Label("Credit", "贷方")
_VERSION: Final = Column("version", Label("Version", "版本"))
_FROM: Final = Column("applies_from", Label("Applies from", "适用起始"))
_METHOD: Final = Column("method", Label("Method", "方法"))
_MAKER: Final = Column("proposed_by", Label("Proposed by", "提出人"))
_CHECKER: Final = Column("approved_by", Label("Approved by", "批准人"))
_REASON: Final = Column("reason", Label("Reason", "原因"))

ROLL_COLUMNS: Final = tuple(Column(name, label, "points") for name, label in ROLLED.items())
RATE_COLUMNS: Final = (
    Column("window", Label("Window", "期间")),
    Column("redeemed_net", Label("Redeemed, net", "净兑换"), "points"),
    Column("issued_net", Label("Issued, net", "净发放"), "points"),
    Column("rate", Label("Rate", "兑换率"), "share"),
)
LINE_COLUMNS: Final = (
    Column("row", Label("Row", "项目")),
    Column("kind", Label("Measured as", "计量")),
    Column("debit", _DEBIT_SIDE),
    Column("credit", _CREDIT_SIDE),
    Column("amount", Label("Amount", "金额"), "money"),
)
BALANCE_COLUMNS: Final = (
    Column("account", Label("Account", "科目")),
    Column("debit", _DEBIT_SIDE, "money"),
    Column("credit", _CREDIT_SIDE, "money"),
    Column("balance", Label("Balance", "余额"), "money"),
)
ACCOUNT_COLUMNS: Final = (
    Column("account", Label("Account", "科目")),
    Column("debit", _DEBIT_SIDE, "amount"),
    Column("credit", _CREDIT_SIDE, "amount"),
    Column("balance", Label("Balance", "余额"), "amount"),
)
COHORT_COLUMNS: Final = (
    Column("cohort", Label("Issued in", "发放月份")),
    Column("pool", Label("Pool", "类别")),
    Column("outstanding", Label("Points", "积分"), "points"),
    Column("expected_redemption", Label("Expected", "预期兑换率"), "share"),
    Column("points_to_come", Label("Still to come", "预计待兑"), "decimal"),
    Column("face_value", Label("Face value", "面值"), "money"),
    Column("book_liability", Label("Liability", "负债"), "money"),
)
SENSITIVITY_COLUMNS: Final = (
    Column("what", Label("What", "因素")),
    Column("by", Label("Change", "变动"), "share"),
    Column("book_liability", Label("Liability", "负债"), "money"),
    Column("change", Label("Difference", "差额"), "money"),
    Column("economic_value", Label("Economic value", "经济价值"), "money"),
)
TIE_COLUMNS: Final = (
    Column("what", Label("Figure", "数字")),
    _UNIT,
    Column("figure", Label("Value", "数值"), "amount"),
    Column("against", Label("Against", "对照")),
    Column("other", Label("Value", "数值"), "amount"),
    Column("difference", Label("Difference", "差额"), "amount"),
)
ESTIMATE_COLUMNS: Final = (
    _VERSION,
    Column("cohort", Label("Issued in", "发放月份")),
    _FROM,
    Column("expected_redemption", Label("Expected redemption", "预期兑换率")),
    _METHOD,
    _MAKER,
    _CHECKER,
    _REASON,
)
POLICY_COLUMNS: Final = (
    _VERSION,
    _FROM,
    _METHOD,
    Column("unit_value", Label("Value of a point", "积分单价")),
    Column("unit_cost", Label("Cost of a point", "积分成本")),
    Column("settlement_price", Label("Settlement price", "结算价")),
    Column("tax_rate", Label("Tax rate", "税率")),
    _MAKER,
    _CHECKER,
    _REASON,
)
ENTRY_COLUMNS: Final = (
    Column("entry_id", Label("Entry", "分录")),
    Column("kind", Label("Kind", "类型")),
    Column("member_id", Label("Member", "会员")),
    Column("effective_at", Label("Happened", "发生时间")),
    Column("recorded_at", Label("Recorded", "入账时间")),
    Column("points", Label("Points", "积分"), "points"),
    Column("maker", Label("Maker", "经办")),
    Column("checker", Label("Checker", "复核")),
    _REASON,
)
