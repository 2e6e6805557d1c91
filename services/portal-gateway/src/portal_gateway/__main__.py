from pathlib import Path

from chassis.service import run
from portal_gateway.composition import compose
from portal_gateway.settings import GatewaySettings

run("portal-gateway", GatewaySettings, compose, Path(__file__).parent / "migrations")
