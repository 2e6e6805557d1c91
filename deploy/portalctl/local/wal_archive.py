"""The archive of PostgreSQL's log: compressed segments in a folder."""

from pathlib import Path

ARCHIVE_SECONDS = 60
"""After this time without a full segment the current one is archived: at most so much is lost with the server's disk."""


def archive_settings(archive: Path) -> dict[str, str]:
    """The settings of a server that archives its log into the folder, compressed: a segment without changes takes 20 kB."""
    segment, partial = f"'{archive}/%f.gz'", f"'{archive}/.%f.new'"
    return {
        "archive_mode": "on",
        "archive_timeout": f"{ARCHIVE_SECONDS}s",
        "archive_command": f"test -f {segment} || (gzip -c '%p' > {partial} && mv {partial} {segment})",
    }


def restore_command(archive: Path) -> str:
    segment = f"'{archive}/%f.gz'"
    return f"test -f {segment} && gzip -dc {segment} > '%p'"
