"""Numbered schema versions of the record store (Alembic), shipped inside the package."""
