from pathlib import Path

from chassis.program import run
from portal_gateway.settings import GatewaySettings

run("portal-gateway", GatewaySettings, "portal_gateway.composition", Path(__file__).parent / "migrations")
