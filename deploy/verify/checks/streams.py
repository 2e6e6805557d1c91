"""I11: every stream is complete, and its messages have its versions."""

from collections.abc import Iterator

from verify.recorded_state import RecordedState
from verify.topics import envelope_of


def gapless(recorded: RecordedState) -> Iterator[str]:
    for database, folded in recorded.folded.items():
        for (merchant_id, stream), rows in folded.rows.items():
            versions = [row.version for row in rows]
            if versions != list(range(1, len(rows) + 1)):
                yield f"{database}: {stream} has the versions {_briefly(versions)}"
            for row in rows:
                envelope = envelope_of(row.value)
                sent = envelope and (envelope.merchantid, envelope.subject, envelope.sequence, envelope.id)
                if sent != (merchant_id, stream, row.version, row.event_id):
                    yield f"{database}: the message of {stream} version {row.version} names another event"
        for (_, stream), why in folded.failures.items():
            yield f"{database}: {stream} cannot be folded: {why}"


def _briefly(versions: list[int]) -> str:
    """`1–3, 5`"""
    runs: list[list[int]] = []
    for version in versions:
        if runs and version == runs[-1][-1] + 1:
            runs[-1].append(version)
        else:
            runs.append([version])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
