"""Alembic's entry: runs the migrations on the connection `migrate.upgrade` gives it."""

from alembic import context

from leadkeeper.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite", compare_type=False
)
with context.begin_transaction():
    context.run_migrations()
