"""`python -m payments [serve] [--role all|http|worker]` · `python -m payments migrate`"""

from pathlib import Path

from chassis.service import run
from payments.composition import compose
from payments.settings import Settings

if __name__ == "__main__":
    run("payments", Settings, compose, Path(__file__).parent / "migrations")
