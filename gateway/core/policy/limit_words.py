"""What the limits of a policy's clauses mean, in Chinese and English."""

from gateway.core.policy.kinds import Words
from gateway.core.policy.words import T19, SettingWords

# A limit of "0" is no step; "more" is what a higher limit would be read as.
LIMITS = (
    SettingWords(
        "off_post_above_minutes",
        Words("超过 {value} 分钟为脱岗", "above {value} min is off post"),
        {"0": Words("不设脱岗", "there is no off post")},
    ),
    SettingWords(
        "off_post_charged_above_minutes",
        Words(
            "脱岗超过 {value} 分钟的按脱岗计价",
            "off post above {value} min is charged as such",
        ),
        {
            "0": Words("脱岗不另计价", "off post has no price of its own"),
            "more": Words(
                "限值更高：较短的脱岗按迟到、早退计价",
                "a higher limit, shorter off post as late or early leave",
            ),
        },
        "(c)",
        T19,
    ),
    SettingWords(
        "absence_above_minutes",
        Words("脱岗超过 {value} 分钟算旷工", "off post above {value} min is absence"),
        {
            "0": Words(
                "时长不构成旷工，只有缺签才算",
                "no length is absence, a missing sign is",
            ),
            "more": Words("另定时长", "a length of its own"),
        },
        "(i)",
        T19,
    ),
    SettingWords(
        "leave_letter_above_minutes",
        Words(
            "请假超过 {value} 分钟须公司来函", "leave above {value} min needs a letter"
        ),
        {"0": Words("请假不要求公司函", "no leave needs a letter")},
    ),
    SettingWords(
        "post_off_post_above_minutes",
        Words(
            "7×24岗位脱岗超过 {value} 分钟计价",
            "a gap above {value} min on a 7×24 post is charged",
        ),
        {"0": Words("岗位空缺不计价", "gaps on a post have no price")},
    ),
)
