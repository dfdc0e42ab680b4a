"""Sets up ``.venv`` from the hashed lock with the standard library alone, then does what ``./run`` was asked for."""
