"""From handsets to accounts."""
