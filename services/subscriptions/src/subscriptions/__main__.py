"""`python -m subscriptions [serve] [--role all|http|worker]` · `python -m subscriptions migrate`"""

from pathlib import Path

from chassis.service import run
from subscriptions.composition import compose
from subscriptions.settings import SubscriptionsSettings

if __name__ == "__main__":
    run("subscriptions", SubscriptionsSettings, compose, Path(__file__).parent / "migrations")
