"""Ctrl-C and SIGTERM are not lost in a finalizer."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from pytest import MonkeyPatch

from oxmc.cli import signals

pytestmark = pytest.mark.testpoint(
    "signals", "an interrupt that comes while a finalizer runs ends the program all the same"
)


class Finalized:
    """Something whose finalizer a signal interrupts."""

    def __init__(self, signum: int):
        self.signum = signum

    def __del__(self) -> None:
        os.kill(os.getpid(), self.signum)
        for _ in range(100):  # a signal is taken between two instructions
            time.sleep(0)


@pytest.mark.parametrize("raised", signals.SIGNALS)
def test_a_signal_in_a_finalizer_is_raised_after_it(monkeypatch: MonkeyPatch, raised: type[BaseException]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "unraisablehook", None)  # is put back at the end
    try:
        signals.install()
        with pytest.raises(raised):
            Finalized(signals.SIGNALS[raised])
            time.sleep(60)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_no_signal_raised_is_printed_as_python_does(capsys: pytest.CaptureFixture[str]) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("a fault of a library")

    hook = sys.unraisablehook
    sys.unraisablehook = signals.send_again
    try:
        Faulty()
    finally:
        sys.unraisablehook = hook
    assert "a fault of a library" in capsys.readouterr().err
