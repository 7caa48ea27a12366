"""What the operator and accounts put at run time: accounts, pools, routes, rate cards, senders, numbers."""
