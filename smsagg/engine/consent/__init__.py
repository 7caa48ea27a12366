"""What recipients said of being written to, in the running server."""
