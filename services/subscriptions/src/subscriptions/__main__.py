"""`python -m subscriptions [serve] [--role all|http|worker]` · `python -m subscriptions migrate`"""

from pathlib import Path

from chassis.program import run
from subscriptions.settings import SubscriptionsSettings

if __name__ == "__main__":
    run("subscriptions", SubscriptionsSettings, "subscriptions.composition", Path(__file__).parent / "migrations")
