"""What is kept by name and changed at run time, and who may come in."""
