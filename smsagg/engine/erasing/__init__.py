"""Taking what is known of a number out, on request."""
