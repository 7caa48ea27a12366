"""Where messages wait, and every way between."""
