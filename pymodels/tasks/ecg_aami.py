"""The field's rules for heartbeats: five classes of AAMI, records for training and test apart by patient, intervals.

Classes: ANSI/AAMI EC57. Records: P. de Chazal, M. O'Dwyer, R. Reilly, "Automatic classification of heartbeats using ECG
morphology and heartbeat interval features", IEEE Trans. Biomed. Eng. 51 (2004), which also has the classes by symbol.
"""

from __future__ import annotations

import numpy as np

CLASSES = ("N", "S", "V", "F", "Q")
SYMBOLS = {"N": "NLRBej", "S": "AaJSn", "V": "VEr", "F": "F"}
"""Annotations of a class; all others are Q: paced, fused with a paced one, or not to be classified."""
DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
DS2 = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
PACED = (102, 104, 107, 217)
"""In neither of the two."""
WITHIN = DS1[1::3]
"""Records of DS1 that are tested while constants are chosen, so that DS2 need not be looked at."""
MEAN_OF = 100
"""Intervals ahead of a beat whose mean the patient's usual interval is."""
INTERVALS = ("interval before", "interval before / usual", "interval after / usual", "interval after / before")


def classes_of(symbol: np.ndarray) -> np.ndarray:
    """Numbers of classes, int64 [n], of beats by their symbols [n]."""
    found = np.full(len(symbol), CLASSES.index("Q"), np.int64)
    for name, letters in SYMBOLS.items():
        found[np.isin(symbol, list(letters))] = CLASSES.index(name)
    return found


def intervals(record: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """`INTERVALS` of beats, float64 [n, 4], the first in s; a recording's ends repeat their neighbour's."""
    found = np.zeros((len(record), len(INTERVALS)))
    for number in np.unique(record):
        here = np.flatnonzero(record == number)
        found[here] = _of_recording(time_s[here])
    return found


def _of_recording(time_s: np.ndarray) -> np.ndarray:
    """`intervals` of one recording; one beat alone has an interval of 1 s."""
    steps = np.diff(time_s) if len(time_s) > 1 else np.ones(1)
    before, after = np.append(steps[:1], steps), np.append(steps, steps[-1:])
    before, after = before[: len(time_s)], after[: len(time_s)]
    total, place = np.append(0.0, np.cumsum(before)), np.arange(len(before))
    first = np.maximum(0, place - MEAN_OF)
    usual = np.where(place > first, (total[place] - total[first]) / np.maximum(1, place - first), before)
    return np.stack([before, before / usual, after / usual, after / before], axis=1)
