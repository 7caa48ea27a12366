"""What happened: in pages, as a stream, and of one message."""
