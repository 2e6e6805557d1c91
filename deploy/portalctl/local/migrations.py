"""The tables of every service, brought up to date on a server that runs."""

from portalctl.local import databases
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started


async def migrate_all(folder: Folder) -> list[str]:
    """The names of the services that were migrated, in a server elsewhere also their databases and roles. Raises StackError."""
    folder.make()
    layout = layout_as_started(folder)
    if layout.postgres is None:
        for database in layout.databases:
            await databases.create(layout.admin_url, database)
    for service in layout.services:
        await service.migrate()
    return [service.name for service in layout.services]
