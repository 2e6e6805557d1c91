"""The first thing a child runs: it ties its life to its parent's, then becomes the program.

`python -I -S entry.py '{"parent": pid, "signal": number, "user": "same" | "mapped" | "nobody"}' program argument…`

A file of its own instead of a preexec_fn: no Python code may run between fork and exec of a process that has threads.
"""

import ctypes
import json
import os
import signal
import sys

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def _map_root_to_nobody() -> None:
    """Root's files keep their owner, while the program sees itself and them as nobody's: PostgreSQL refuses to be root."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _default_signals() -> None:
    """Ignored and blocked signals are inherited, and Java keeps what is ignored: Kafka could not be stopped."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main() -> None:
    orders = json.loads(sys.argv[1])
    _default_signals()
    # Data, logs and settings are their owner's alone.
    os.umask(0o077)
    if orders["user"] == "mapped":
        _map_root_to_nobody()
    elif orders["user"] == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, orders["signal"])
    if os.getppid() != orders["parent"]:
        sys.exit("the parent has ended")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
