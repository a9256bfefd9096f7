"""What the band controller says of its reasons, in English and in Chinese: the one catalogue of it.

It speaks to operators and finance, not to members, so these texts stand apart from those that members are told. Each
has both languages with the same slots; a slot takes a number, a day or a code, the same in every language.
"""

from typing import Final

from ledger.rules.words import Text, Words

CATALOGUE: Final[dict[str, Words]] = {
    "window": Words(
        "In the {weeks} whole weeks from {start} to the end of {end}, {issued} points were issued and {redeemed}"
        " redeemed, each less what went back.",
        "自 {start} 至 {end} 的 {weeks} 个完整自然周内，发放 {issued} 积分，核销 {redeemed} 积分，均已扣除退回部分。",
    ),
    "share.known": Words(
        "{redeemed} ÷ {issued} = {share}; the target is {target}, so e = ({target} − {share}) ÷ {target} = {error}."
        " A week earlier it was {previous}.",
        "{redeemed} ÷ {issued} = {share}；目标为 {target}，e = ({target} − {share}) ÷ {target} = {error}。"
        "上一周为 {previous}。",
    ),
    "share.unknown": Words(
        "Fewer than {minimum} points were issued in these weeks: a share of them says nothing.",
        "期间发放不足 {minimum} 积分，比率没有参考意义。",
    ),
    "awake.yes": Words(
        "The controller is awake: the share has left the band from {low} to {high} and has not come back half the way"
        " to the target.",
        "控制器已启动：比率曾超出 {low} 至 {high} 的区间，且尚未回到距目标一半以内。",
    ),
    "awake.no": Words(
        "The controller is asleep: the share has not left the band from {low} to {high} since it last came back half"
        " the way to the target.",
        "控制器处于休眠：比率自上次回到距目标一半以内后，未再超出 {low} 至 {high} 的区间。",
    ),
    "move.some": Words(
        "{proportional} × (e − e of the week before) + {integral} × e, at most {limit} either way, is {move}: by so"
        " much the logarithm of the rate should move.",
        "{proportional} × (e − 上周 e) + {integral} × e，上下不超过 {limit}，得 {move}，即汇率对数应有的变动。",
    ),
    "move.none": Words("So the rate should stay where it is.", "因此汇率无需调整。"),
    "bounds": Words(
        "From {rate} that leads to {wanted}; within the floor {floor}, the ceiling {ceiling} and a step of {step}, and"
        " rounded, to {bid}.",
        "由 {rate} 变为 {wanted}；按下限 {floor}、上限 {ceiling}、单次变动比例 {step} 限制并舍入后为 {bid}。",
    ),
    "blocked.switched_off": Words(
        "The controller is switched off, so it recommends the rate in force.",
        "控制器已关闭，建议维持现行汇率。",
    ),
    "blocked.frozen": Words(
        "Changes are frozen, so it recommends the rate in force.", "调整已冻结，建议维持现行汇率。"
    ),
    "blocked.volume": Words(
        "Too little was issued to tell, so it recommends the rate in force.",
        "发放量不足，无法判断，建议维持现行汇率。",
    ),
    "blocked.data_lag": Words(
        "Nothing was issued or redeemed for more than {hours} hours, as far as the books know: tills may have stopped"
        " reporting, so it recommends the rate in force.",
        "账上已超过 {hours} 小时没有发放或核销记录，门店数据可能中断，建议维持现行汇率。",
    ),
    "blocked.cool_down": Words(
        "A rate has begun in this week already: the next change is due in the next week.",
        "本周已有新汇率生效，下一次调整应在下周。",
    ),
    "result.change": Words("Recommended: {bid} instead of {rate}.", "建议将 {rate} 调整为 {bid}。"),
    "result.stay": Words("Recommended: {rate}, as it is.", "建议维持 {rate}。"),
    "alarm.target_unreachable": Words(
        "The rate stands at its bound and the target is not reached. The logarithm of the rate would have to move"
        " by {move}, if the redemption rate moves as the rate does (an elasticity of {elasticity}: assumed, not"
        " measured).",
        "汇率已到达边界，仍未达到目标。假设核销率与汇率同比例变动（弹性为 {elasticity}，仅为假设，并非实测），"
        "汇率对数还需变动 {move}。",
    ),
    "alarm.nothing_redeemed": Words(
        "The rate stands at its bound and the target is not reached. Nothing is redeemed at all, so no move of the rate"
        " can be worked out.",
        "汇率已到达边界，仍未达到目标。期间没有任何核销，无法推算所需的变动。",
    ),
}


def say(key: str, **slots: object) -> Text:
    """The text of that name in both languages, its slots filled; KeyError for one that is not in the catalogue."""
    en, zh = CATALOGUE[key]
    return {"en": en.format_map(slots), "zh": zh.format_map(slots)}
