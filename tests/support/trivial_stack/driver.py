"""`driver.py <folder> up [--detach] [--broken]`: the local stack with one small service instead of the product's."""

import logging
import sys
from pathlib import Path
from typing import Any

from chassis.service.settings import read_settings
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers
from portalctl.local.services import ServiceKind
from portalctl.local.supervisor import supervise
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say
from portalctl.up import bring_up

TRIVIAL = ServiceKind("trivial", "trivial_service", 20700, 20702)
BROKEN = ServiceKind("broken", "no_such_package", 20701, 20703)


def ready(state: dict[str, Any]) -> None:
    say("ready")


def main(folder: Folder, verb: str, *options: str) -> None:
    with exit_on_error():
        if verb == "supervise":
            logging.basicConfig(level=logging.INFO)
            kinds = (TRIVIAL, BROKEN) if "--broken" in options else (TRIVIAL,)
            settings = read_settings(Settings)
            supervise(folder, kinds, ExternalServers.of(settings), settings.portal_deadline_seconds)
        else:
            command = [sys.executable, __file__, str(folder.root), "supervise", *options]
            bring_up(folder, detach="--detach" in options, then=ready, command=command)


if __name__ == "__main__":
    main(Folder(Path(sys.argv[1])), *sys.argv[2:])
