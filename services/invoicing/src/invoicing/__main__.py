"""`python -m invoicing [serve] [--role all|http|worker]` · `python -m invoicing migrate`"""

from pathlib import Path

from chassis.service.program import run
from invoicing.settings import Settings

if __name__ == "__main__":
    run("invoicing", Settings, "invoicing.composition", Path(__file__).parent / "migrations")
