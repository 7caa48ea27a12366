"""Conversations: counted, undone, kept in memory as long as they must be."""

from hypothesis import given
from hypothesis import strategies as st
from inventory_numbers import NOW

from smsagg.inventory.conversations import (
    USES_MAX,
    Conversation,
    Conversations,
    read_conversation,
    write_conversation,
)

DAY = 86_400_000


def test_messages_are_counted_by_period() -> None:
    """Of one number together, whoever sent them, from the first of a period on."""
    conversation = Conversation("1")
    for account in ("acme", "other", "acme"):
        assert conversation.note(account, "n", NOW, DAY)
    assert conversation.sent("n", NOW) == 3
    assert conversation.sent("m", NOW) == 0
    assert conversation.sent("n", NOW + DAY) == 0
    assert conversation.last_writer("n") == "acme"
    assert conversation.latest("other", lambda number: number != "m") is not None


def test_a_use_that_is_still_counted_is_not_forgotten() -> None:
    """With too many numbers a further one gets nothing until a period is over; without limits the oldest goes."""
    conversation = Conversation("1")
    for place in range(USES_MAX):
        assert conversation.note("acme", f"n{place}", NOW + place, DAY)
    assert conversation.note("acme", "more", NOW + USES_MAX, DAY) is None
    assert conversation.note("acme", "more", NOW + DAY, DAY)
    assert conversation.latest("acme", lambda number: number == "n0") is None
    assert len(conversation.uses) == USES_MAX


def test_the_store_has_it_as_it_is() -> None:
    """A record comes back, and what holds nothing needs none."""
    conversation = Conversation("1")
    assert write_conversation(conversation) is None
    conversation.note("acme", "n", NOW, DAY)
    again = read_conversation("1", write_conversation(conversation))
    assert state_of(again) == [("acme", "n", NOW, NOW + DAY, 1)]


def state_of(conversation: Conversation) -> list[tuple[str, str, int, int, int]]:
    return sorted((use.account, use.number, use.at, use.until, use.count) for use in conversation.uses)


NOTES = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("nm"), st.integers(0, 3), st.sampled_from([0, 2])), max_size=12
)


@given(NOTES, NOTES)
def test_what_is_refused_leaves_no_trace(
    kept: list[tuple[str, str, int, int]], refused: list[tuple[str, str, int, int]]
) -> None:
    """Messages that are taken back, the last one first, leave everything as it was before them."""
    conversation, now = Conversation("1"), NOW
    for account, number, pause, period in kept:
        now += pause
        assert conversation.note(account, number, now, period)
    before = state_of(conversation)
    undone = []
    for account, number, pause, period in refused:
        now += pause
        undone.append(conversation.note(account, number, now, period))
    for use in reversed(undone):
        assert use is not None
        use.undo()
    assert state_of(conversation) == before


def test_memory_forgets_who_was_asked_for_longest_ago() -> None:
    """But none that a message under way has changed, nor one that the store is being asked for."""
    conversations = Conversations(2)
    pinned = conversations.learn("1", None)
    pinned.pins += 1
    conversations.ask("2")
    conversations.learn("2", None)
    for recipient in "345":
        conversations.learn(recipient, None)
    assert conversations.get("1") is pinned
    assert conversations.get("2") is not None
    assert conversations.get("3") is None
    conversations.answered("2")
    conversations.unpin(pinned)
    assert len(conversations) == 2


def test_what_memory_knows_is_newer_than_what_the_store_says() -> None:
    """An answer that comes late changes nothing."""
    conversations = Conversations(10)
    known = conversations.learn("1", None)
    known.note("acme", "n", NOW, DAY)
    assert conversations.learn("1", None) is known
