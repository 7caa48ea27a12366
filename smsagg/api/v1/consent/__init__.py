"""What recipients want, and what countries ask for."""
