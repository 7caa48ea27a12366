"""The way in: whether a message is taken, where it goes, what it brings; then its place, its parts and its commit."""
