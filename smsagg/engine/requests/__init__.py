"""What accounts ask about messages that they submitted."""
