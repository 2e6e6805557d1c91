"""The signals that stop a program, and the one after which a service reads its settings again."""

import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Of portalctl, and of a service's `migrate`."""
STOP_SIGNALS_OF_SERVICES = (signal.SIGINT, signal.SIGTERM)
RELOAD_SIGNAL = signal.SIGHUP


def restore_stop_signals() -> None:
    """Restore the default action of the signals. A background job of a shell ignores SIGINT, nohup ignores SIGHUP, and child
    processes inherit that.

    Call it on the main thread, before other handlers are installed.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
