"""`python -m invoicing [serve] [--role all|http|worker]` · `python -m invoicing migrate`"""

from pathlib import Path

from chassis.service import run
from invoicing.composition import compose
from invoicing.settings import Settings

if __name__ == "__main__":
    run("invoicing", Settings, compose, Path(__file__).parent / "migrations")
