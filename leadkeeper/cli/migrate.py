"""`leadkeeper migrate`: bring the database's schema forward."""

import typer


def migrate() -> None:
    """Make the database, or bring its schema to this version.

    Example: leadkeeper migrate
    """
    from leadkeeper import config
    from leadkeeper.store import folder, unfinished
    from leadkeeper.store import migrate as schema
    from leadkeeper.store.database import Database

    settings = config.load()
    unfinished.refuse(folder.ensure(settings.data_dir))
    db = Database(settings.database)
    try:
        before, now = schema.upgrade(db)
    finally:
        db.close()
    typer.echo(f"schema {now}, nothing to do" if before == now else f"schema {before or 'none'} -> {now}")
