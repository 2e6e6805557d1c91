"""`python -m subscriptions [serve] [--role all|http|worker]` · `python -m subscriptions migrate`"""

from pathlib import Path

from chassis.service.program import run
from subscriptions.settings import Settings

if __name__ == "__main__":
    run("subscriptions", Settings, "subscriptions.composition", Path(__file__).parent / "migrations")
