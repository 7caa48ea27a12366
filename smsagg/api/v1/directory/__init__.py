"""Who may call: keys, people, OAuth clients, accounts."""
