"""The wrapper of each child: it ties the child's lifetime to the parent's, then executes the program.

`python -I -S child.py '{"parent": pid, "signal": number, "user": "same" | "mapped" | "nobody"}' program argument…`

A separate file instead of a preexec_fn: no Python code may run between fork and exec of a process with threads.
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
    """Map root to the user `nobody` in a user namespace, because PostgreSQL refuses to run as root. Files keep their owner."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _default_signals() -> None:
    """Reset inherited ignored and blocked signals. Java keeps ignored signals, so Kafka could not be stopped."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main() -> None:
    options = json.loads(sys.argv[1])
    _default_signals()
    # Only the owner can read data, logs and settings.
    os.umask(0o077)
    if options["user"] == "mapped":
        _map_root_to_nobody()
    elif options["user"] == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    if sys.platform == "linux":
        # After the change of user, which would clear the death signal.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, options["signal"])
    if os.getppid() != options["parent"]:
        sys.exit("the parent has ended")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
