"""The configuration file: its schema, and the loader that refuses what is wrong with file, key path and reason."""
