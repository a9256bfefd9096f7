"""What alerts say, in English and in Chinese: the one catalogue of it, by code. Slots take the alert's details."""

from typing import Final

from ledger.rules.words import Text, Words

ALERTS: Final[dict[str, Words]] = {
    "offline_overrun": Words(
        "The till {device_id} took {taken} points of {member_id} while it was offline on {day}; {overrun} of them were "
        "not covered, and the credit is {credit}.",
        "收银终端 {device_id} 于 {day} 离线期间扣减会员 {member_id} 的积分共 {taken}；"
        "其中 {overrun} 积分余额不足，离线额度为 {credit}。",
    ),
    "target_unreachable": Words(
        "The rate stands at its bound of {bound}, and the redemption rate of {share} is not at its target of {target}.",
        "汇率已到达边界 {bound}，核销率为 {share}，仍未达到目标 {target}。",
    ),
}


def told(code: str, details: dict[str, object]) -> Text:
    """An alert in words."""
    words = ALERTS[code]
    return {"en": words.en.format(**details), "zh": words.zh.format(**details)}
