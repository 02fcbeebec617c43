"""What a worker process of a run of repeats does beside its repeats."""

from __future__ import annotations

import os
import signal
import threading
import time

LOOK_S = 0.5


def end_with_parent() -> None:
    """Leave Ctrl-C to the parent, which decides what is kept, and end when the parent was killed.

    Called once in each worker that joblib starts on this machine; a worker without parent would wait for minutes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
