"""The templates of all accounts."""
