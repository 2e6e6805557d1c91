"""Migrates the tables of the services. Starting the program of each service for that would take longer than its migrations."""

from importlib.util import find_spec
from pathlib import Path

import asyncpg

from chassis.postgres.migrate import CHASSIS, MigrationBlocked, MigrationChanged
from chassis.postgres.migrate import migrate as apply
from portalctl.local import databases
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.layout import Layout, layout_as_started
from portalctl.local.services import ServiceKind
from portalctl.rebuild.due import DATABASE, due_rebuilds


def components(kind: ServiceKind) -> dict[str, Path]:
    """The folders of a service's migrations, as its program names them. Raises StackError if its package is not installed."""
    package = find_spec(kind.package)
    if package is None or package.origin is None:
        raise StackError(f"{kind.name}: the package {kind.package} is not installed: run make .venv/ready")
    return {"chassis": CHASSIS, kind.name: Path(package.origin).parent / "migrations"}


async def migrate(layout: Layout, kind: ServiceKind) -> None:
    """Apply the pending migrations of a service as the owner of its tables. Raises StackError, and OSError without a server."""
    folders, database = components(kind), layout.database(kind)
    connection = await databases.connect(layout.owner_url(database), own=layout.postgres is not None)
    try:
        await apply(connection, folders, database.service.name)
    except (MigrationBlocked, MigrationChanged) as error:
        raise StackError(f"{kind.name}: {error}: {(type(error).__doc__ or '').strip()}") from None
    except asyncpg.PostgresError as error:
        raise StackError(f"{kind.name}: its tables were not migrated: {error}") from error
    finally:
        await connection.close()


async def migrate_all(folder: Folder) -> list[str]:
    """Migrate all services and return their names. On an external server, also create databases and roles. Raises StackError."""
    folder.make()
    layout = layout_as_started(folder)
    if layout.postgres is None:
        for database in layout.databases:
            await databases.create(layout.admin_url, database)
    for kind in layout.kinds:
        await migrate(layout, kind)
    return [kind.name for kind in layout.kinds]


async def due_after_migration(folder: Folder) -> list[str]:
    """The projections that the migrations have left in an earlier form. Raises StackError."""
    layout = layout_as_started(folder)
    database = next(each for each in layout.databases if each.name == DATABASE)
    return await due_rebuilds(layout.owner_url(database), own=layout.postgres is not None)
