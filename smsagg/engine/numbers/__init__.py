"""The number inventory at work: senders of messages, owners of numbers, what operators do to them."""
