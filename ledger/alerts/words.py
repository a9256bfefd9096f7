"""What alerts say, in English and in Chinese: the one catalogue of it, by code. Slots take the alert's details."""

from typing import Final

from ledger.rules.words import Text, Words

ALERTS: Final[dict[str, Words]] = {
    "award_held": Words(
        "{points} points awarded to {member_id} are held for review until {expires_at}.",
        "会员 {member_id} 获得的 {points} 积分已暂扣待审核，截止 {expires_at}。",
    ),
    "attribute_shared_reviewed": Words(
        "What {member_id} is awarded is held for review: {members} members have the same {attribute}, and {limit} are "
        "allowed.",
        "会员 {member_id} 此后获得的积分将暂扣待审核：共有 {members} 名会员的 {attribute} 相同，上限为 {limit} 名。",
    ),
    "attribute_shared": Words(
        "{member_id} was frozen: {members} members have the same {attribute}, and {limit} are allowed.",
        "会员 {member_id} 已被冻结：共有 {members} 名会员的 {attribute} 相同，上限为 {limit} 名。",
    ),
    "issuance_ceiling": Words(
        "{issued} points were issued from {from} to {to}, more than the ceiling of {ceiling}.",
        "{from} 至 {to} 共发放 {issued} 积分，超过上限 {ceiling}。",
    ),
    "limit_crossed": Words(
        "{used} {counts} of {operation} by {of} {who} are more than the limit of {limit} per {per} (on {day}).",
        "{of} {who} 的{operation}{counts}为 {used}，超过{per}上限 {limit}（{day}）。",
    ),
    "liability_ceiling": Words(
        "The {outstanding} outstanding points are worth {value} {currency}, more than the ceiling of {ceiling}.",
        "未核销的 {outstanding} 积分价值 {value} {currency}，超过上限 {ceiling}。",
    ),
    "offline_overrun": Words(
        "The till {device_id} took {taken} points of {member_id} while it was offline on {day}; {overrun} of them were "
        "not covered, and the credit is {credit}.",
        "收银终端 {device_id} 于 {day} 离线期间扣减会员 {member_id} 的积分共 {taken}；"
        "其中 {overrun} 积分余额不足，离线额度为 {credit}。",
    ),
    "redemption_rate_low": Words(
        "{redeemed} of {issued} points were redeemed from {from} to {to}: the rate of {rate} is below {threshold}.",
        "{from} 至 {to} 发放 {issued} 积分，核销 {redeemed} 积分：核销率 {rate} 低于 {threshold}。",
    ),
    "redemption_rate_outside_band": Words(
        "{redeemed} of {issued} points were redeemed from {from} to {to}: the rate of {rate} lies outside of the band "
        "from {low} to {high}.",
        "{from} 至 {to} 发放 {issued} 积分，核销 {redeemed} 积分：核销率 {rate} 不在区间 {low} 至 {high} 内。",
    ),
    "review_lapsed": Words(
        "Nobody has decided in time on {points} points of {member_id} that were held for review; they were released.",
        "会员 {member_id} 待审核的 {points} 积分逾期未处理，已自动解除暂扣。",
    ),
    "reward_withheld": Words(
        "{member_id}, whom {referrer} has brought, bought for the first time while frozen; neither was rewarded.",
        "{referrer} 推荐的会员 {member_id} 在冻结期间完成首次购物，双方的推荐奖励均未发放。",
    ),
    "taken_while_frozen": Words(
        "The till {device_id} took points of {member_id} at {occurred_at}, while it was offline and they were frozen.",
        "会员 {member_id} 的积分已冻结，但收银终端 {device_id} 于 {occurred_at} 离线期间仍进行了扣减。",
    ),
    "taken_while_spend_locked": Words(
        "The till {device_id} took points of {member_id} at {occurred_at}, while it was offline and the member had "
        "locked spending.",
        "会员 {member_id} 已锁定积分消费，但收银终端 {device_id} 于 {occurred_at} 离线期间仍进行了扣减。",
    ),
    "merged_with_referrer": Words(
        "{member_id} was merged with {referrer}, who had brought him: a referral of somebody by himself.",
        "会员 {member_id} 已与推荐人 {referrer} 合并：属于自我推荐。",
    ),
    "target_unreachable": Words(
        "The rate stands at its bound of {bound}, and the redemption rate of {share} is not at its target of {target}.",
        "汇率已到达边界 {bound}，核销率为 {share}，仍未达到目标 {target}。",
    ),
}


IN_CHINESE: Final = {
    "limit_crossed": {
        "member": "会员",
        "operator": "操作员",
        "terminal": "收银终端",
        "store": "门店",
        "key": "密钥",
        "adjustment": "人工调整",
        "activity": "活动",
        "earning": "直接发放",
        "hold": "冻结",
        "purchase": "购物获赠",
        "redemption": "核销",
        "refund": "核销退回",
        "reversal": "冲正",
        "transfer": "转赠",
        "points": "积分",
        "times": "次数",
        "day": "每日",
        "operation": "单笔",
    }
}
"""Details that are words of the ledger's own, by alert; what callers have named stays as it is."""


def told(code: str, details: dict[str, object]) -> Text:
    """An alert in words."""
    words, names = ALERTS[code], IN_CHINESE.get(code, {})
    chinese = {
        slot: names.get(str(value), value) if slot not in _NAMED else value for slot, value in details.items()
    }
    return {"en": words.en.format(**details), "zh": words.zh.format(**chinese)}


_NAMED: Final = frozenset({"who"})
