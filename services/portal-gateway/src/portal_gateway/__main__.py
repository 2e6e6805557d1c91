from pathlib import Path

from chassis.service.program import run
from portal_gateway.settings import Settings

run("portal-gateway", Settings, "portal_gateway.composition", Path(__file__).parent / "migrations")
