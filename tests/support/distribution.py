"""How the processes of pytest-xdist share the tests: a file stays in one process, and scopes that take long start first.

Files that share something slow are one scope, so that it is made once: the subscribers' virtual environment, the system stack,
and the system stack of the files that kill or suspend its processes.
"""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

SUBSCRIBERS = {"test_examples", "test_installing", "test_interruptions", "test_readme_subscriber"}
WITH_FAULTS = {"test_kafka_outage", "test_process_crashes", "test_server_outages", "test_three_flows_in_a_browser"}
WITH_OWN_STACK = {"test_cluster", "test_full_disk", "test_restore", "test_tampered_topics"}
_LONGEST_FIRST = (
    "system with faults",
    "system",
    "subscribers",
    "tests/system/",
    "tests/integration/contracts/",
    "tests/integration/local_stack/",
    "tests/integration/by_hand/",
    "tests/integration/any_record/",
    "tests/integration/processes/",
    "tests/integration/chassis_reading/",
    "tests/architecture/",
)


class Distribution(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    """What one process runs without other tests between: a file, or the name of a group of files."""
    file = nodeid.partition("::")[0]
    path = PurePosixPath(file)
    match path.parent.name:
        case "contracts" if path.stem in SUBSCRIBERS:
            return "subscribers"
        case "system" if path.stem not in WITH_OWN_STACK:
            return "system with faults" if path.stem in WITH_FAULTS else "system"
        case _:
            return file


def rank(nodeid: str) -> int:
    """The place in the order in which scopes start."""
    name = scope(nodeid)
    return next((place for place, start in enumerate(_LONGEST_FIRST) if name.startswith(start)), len(_LONGEST_FIRST))
