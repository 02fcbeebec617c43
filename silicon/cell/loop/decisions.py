"""Each decision of the chip judged again from the codes of either array, for the same history."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.twin.chain import arithmetic, training_data
from oxmc.silicon.cell.loop.array import Answer
from oxmc.tb.cosim.program import lut_codes


@dataclasses.dataclass(frozen=True)
class Decision:
    """A proposal: costs are likelihoods in fixed point, `margin` by how much the chip's was below its threshold."""

    row: int
    accepted: bool
    model_accepted: bool
    likelihood: int
    model_likelihood: int
    margin: int
    model_margin: int


class Judge:
    """Follows one plain chain: one output, no options that change a sweep."""

    def __init__(self, job: Job):
        config, formats = job.config, Formats(job.config)
        self.chip = arithmetic(formats, np.array(lut_codes(formats)))
        train = job.codes[: config.train_samples]
        self._flips = training_data(config, train, job.labels).flips[0]
        self._costs: dict[int, int] = {}
        """What the array model's own codes make of each row that was kept."""

    def decide(self, seen: dict[str, int], answers: Sequence[Answer]) -> Decision:
        """A decision from the chip's word and its row's answers. Raises `RunError` where the word does not follow from
        the circuit's codes."""
        reads = [answer for answer in answers if answer.op == "read"]
        sweep = [answer for answer in answers if answer.op == "eval"][-len(self._flips) :]
        (prior, like), (model_prior, model_like) = (
            (self._prior([getattr(one, of) for one in reads]), self._likelihood([getattr(one, of) for one in sweep]))
            for of in ("circuit", "model")
        )
        if (prior, like) != (seen["prior"], seen["likelihood"]):
            raise RunError(f"row {seen['row']}: the chip has {seen}, its codes make {prior} and {like}")
        first, row = seen["row"] == 0, seen["row"]
        margin = seen["current_cost"] + seen["neg_log2_u"] - prior - like
        model_margin = self._costs.get(seen["current_row"], 0) + seen["neg_log2_u"] - model_prior - model_like
        if seen["accepted"]:
            self._costs[row] = model_like + model_prior
        model_accepted = first or model_margin >= 0
        return Decision(row, bool(seen["accepted"]), model_accepted, like, model_like, margin, model_margin)

    def _prior(self, codes: Sequence[int]) -> int:
        squares = sum((plus - minus) ** 2 for plus, minus in zip(codes[::2], codes[1::2], strict=True))
        return squares * self.chip.prior_multiplier >> self.chip.prior_shift

    def _likelihood(self, codes: Sequence[int]) -> int:
        indices = ((np.array(codes) ^ self._flips) + self.chip.adc_top + 1) >> self.chip.table_shift
        return int(self.chip.likelihood_table[indices].sum())
