"""What becomes of senders that are asked for and decided on."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.directory.senders import Sender, asked, decided, read_sender

steps = st.lists(st.sampled_from(["ask", "approved", "rejected"]), max_size=12)


@given(steps)
def test_only_the_operator_approves(wanted: list[str]) -> None:
    """Whatever an account asks, and how often: it is approved if the last that was decided says so."""
    sender: Sender | None = None
    last = None
    for now, step in enumerate(wanted, 1):
        if step == "ask":
            sender = asked(sender, f"note {now}", now)
            last = None if last == "rejected" else last
        else:
            sender = decided(sender, step, "", now)  # type: ignore[arg-type]
            last = step
        assert sender.status == (last or "pending")
        assert read_sender(sender._asdict()) == sender


def test_asking_again_changes_the_note_alone() -> None:
    sender = decided(asked(None, "one", 1), "approved", "fine", 2)
    assert asked(sender, "two", 3) == sender._replace(note="two")
    assert asked(sender._replace(status="rejected"), "two", 3) == Sender("pending", "two", 3)
