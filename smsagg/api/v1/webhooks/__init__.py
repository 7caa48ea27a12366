"""Where accounts want to be told, and what stands there."""
