"""What countries demand of messages: hours, consent, senders, words. Pure."""
