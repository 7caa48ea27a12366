"""The numbers that we send from: whose they are, in what order they are used, and who wrote to whom from which."""
