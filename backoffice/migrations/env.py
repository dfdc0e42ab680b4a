"""Alembic's entry: migrates the connection that the store hands over, inside the store's transaction."""

from alembic import context

from backoffice import command_tables  # noqa: F401 - metadata knows them from then on
from backoffice.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
