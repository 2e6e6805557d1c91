"""`python -m portalctl`."""

from portalctl.cli import app

app(prog_name="portalctl")
