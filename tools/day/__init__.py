"""A scripted day of five countries and twelve carriers, three of which fail in turn, under each way of choosing."""
