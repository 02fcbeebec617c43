"""quality.json: judged samplers side by side, and hardware of others by its own figures (docs/reference/quality.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from oxmc.quality.measures import QUANTILE, SETS
from oxmc.quality.sampler import ESS_LEAST, RHAT_MOST
from oxmc.quality.target import EXACT_DRAWS

SCHEMA = "oxmc.quality/1"


def quality_record(entries: Sequence[dict[str, Any]], node: str) -> dict[str, Any]:
    """What `oxmc quality --json` prints of entries as `sampler.judged` gives them."""
    rules = {
        "rhat_most": RHAT_MOST, "ess_least": ESS_LEAST, "exact_draws": EXACT_DRAWS, "noise_sets": SETS,
        "noise_quantile": QUANTILE,
    }  # fmt: skip
    return {"schema": SCHEMA, "node": node, "rules": rules, "entries": list(entries), "published": list(published())}


@cache
def published() -> tuple[dict[str, Any], ...]:
    """Works of others, with what they say of themselves and whether it can be compared."""
    text = (resources.files("oxmc.quality") / "published.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["work"])
