"""What a desk reader answers to the person, in Chinese or in plain English."""

from enum import StrEnum

from gateway.desk_settings import FeedbackCharacters


class Answer(StrEnum):
    """What became of a presented card."""

    WAITS = "waits"
    HANDED_OVER = "handed_over"
    ON_ROLL = "on_roll"
    ATTESTED = "attested"
    ALREADY = "already"
    CARD_UNKNOWN = "card_unknown"
    SAME_SIDE = "same_side"
    EITHER_WAY = "either_way"
    NO_SUBSTITUTION = "no_substitution"
    SEVERAL_SUBSTITUTIONS = "several_substitutions"


GOOD = frozenset(
    {
        *(Answer.WAITS, Answer.HANDED_OVER, Answer.ON_ROLL),
        *(Answer.ATTESTED, Answer.ALREADY),
    }
)
_WORDS = {
    Answer.WAITS: ("已刷卡，请对方刷卡", "noted, now the other card"),
    Answer.HANDED_OVER: ("交接班已记录", "handover noted"),
    Answer.ON_ROLL: ("到岗已记录", "arrival noted"),
    Answer.ATTESTED: ("替补已确认", "substitute attested"),
    Answer.ALREADY: ("已刷过卡", "noted already"),
    Answer.CARD_UNKNOWN: ("此卡未登记", "nobody has this card"),
    Answer.SAME_SIDE: (
        "与排班不符：两人同为交班或同为接班",
        "refused: by the roster both go, or both come",
    ),
    Answer.EITHER_WAY: (
        "无法判断谁交谁接，请联系管理员",
        "refused: who goes and who comes is not clear",
    ),
    Answer.NO_SUBSTITUTION: (
        "没有您的替补安排",
        "refused: no substitution of yours now",
    ),
    Answer.SEVERAL_SUBSTITUTIONS: (
        "您有多个替补安排，请联系管理员",
        "refused: several substitutions of yours now",
    ),
}


def line(answer: Answer, characters: FeedbackCharacters) -> bytes:
    """Return the line that a reader's display shows."""
    chinese, english = _WORDS[answer]
    text = english if characters is FeedbackCharacters.ASCII else chinese
    return f"{text}\r\n".encode(characters.value)
