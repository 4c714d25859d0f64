"""Topics: built and parsed in one place, hostile ids refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.topics import Topic, TopicError, Topics, level, prefix

TOPICS = Topics("att/v1")
names = st.text(min_size=1, max_size=20).filter(
    lambda s: s.isprintable() and not set(s) & set("/+#")
)


@given(names, names, st.lists(names, min_size=1, max_size=3))
def test_what_is_built_is_parsed(site: str, gateway: str, kinds: list[str]) -> None:
    """A topic taken apart gives the ids it was built from."""
    kind = "/".join(kinds)
    topic = TOPICS.of(site, gateway, kind)
    assert TOPICS.parse(topic) == Topic(site, gateway, kind)


@pytest.mark.parametrize("bad", ["", "a/b", "a+", "#", "a\x00b", "a\nb", "é" * 101])
def test_ids_that_would_change_a_topic_are_refused(bad: str) -> None:
    """An id never adds levels, wildcards or control characters to a topic."""
    with pytest.raises(TopicError):
        level(bad)
    with pytest.raises(TopicError):
        TOPICS.of(bad, "g", "punch")


def test_the_longest_id_is_allowed() -> None:
    """An id of exactly 200 bytes still fits."""
    assert level("é" * 100) == "é" * 100


@pytest.mark.parametrize(
    "topic",
    ["att/v2/s/g/punch", "att/v1/s/punch", "att/v1/s//punch", "x/att/v1/s/g/punch"],
)
def test_foreign_topics_are_refused(topic: str) -> None:
    """A topic of another prefix or shape is none of ours."""
    with pytest.raises(TopicError):
        TOPICS.parse(topic)


def test_fixed_topics() -> None:
    """The centre's topic and the subscriptions are what the contract says."""
    assert TOPICS.centre("s1") == "att/v1/s1/_central/state"
    assert TOPICS.everywhere("punch") == "att/v1/+/+/punch"
    assert TOPICS.of("s1", "g1", "terminal/VT1") == "att/v1/s1/g1/terminal/VT1"


@pytest.mark.parametrize("bad", ["", "/att", "att/", "att//v1", "att/+"])
def test_prefixes_with_empty_levels_are_refused(bad: str) -> None:
    """A prefix has no slash at either end and no wildcard."""
    with pytest.raises(TopicError):
        prefix(bad)
