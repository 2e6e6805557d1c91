"""`python -m payments [serve] [--role all|http|worker]` · `python -m payments migrate`"""

from pathlib import Path

from chassis.service.program import run
from payments.settings import Settings

if __name__ == "__main__":
    run("payments", Settings, "payments.composition", Path(__file__).parent / "migrations")
