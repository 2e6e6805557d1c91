"""Migrates the tables of every service on a running server."""

from portalctl.local import databases
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started
from portalctl.rebuild.due import DATABASE, due_rebuilds


async def migrate_all(folder: Folder) -> list[str]:
    """Migrate all services and return their names. On an external server, also create databases and roles. Raises StackError."""
    folder.make()
    layout = layout_as_started(folder)
    if layout.postgres is None:
        for database in layout.databases:
            await databases.create(layout.admin_url, database)
    for service in layout.services:
        await service.migrate()
    return [service.name for service in layout.services]


async def due_after_migration(folder: Folder) -> list[str]:
    """The projections that the migrations have left in an earlier form. Raises StackError."""
    layout = layout_as_started(folder)
    database = next(each for each in layout.databases if each.name == DATABASE)
    url = databases.url_of(layout.admin_url, database.name, database.owner)
    return await due_rebuilds(url, own=layout.postgres is not None)
