"""Who is told what happens, and how each of them stands."""
