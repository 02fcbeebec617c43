"""Kernels as parts of their callers: as far as LLVM's assembly, and no further.

numba makes of every kernel what Python could call: optimises it, turns it into machine code and wraps it for Python and
for C. Where a kernel is called by kernels alone all of that is thrown away, for its caller links its assembly and is
optimised as a whole. Half of the time that the twin's sixty kernels took to compile went there. Here numba's own
dispatcher of a kernel answers to Python, and a second one, which stops early, to the kernels that call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.typed_passes import NativeLowering

NEEDED = ("_optimize_final_module", "_finalize_final_module", "_finalize_dynamic_globals", "_ensure_finalized")
"""What of numba's library is replaced or called; a numba without it compiles as it does, and takes longer."""

BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""numba's options for a function that neither Python nor C calls."""


class Part(JITCodeLibrary):
    """A library that is never run: what links it optimises it."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=False, analysis_only=True)
class Offer(LoweringPass):
    """Tells numba where calls of the function lead to. It needs a key of its own, as there is no machine code."""

    _name = "offer"

    def __init__(self) -> None:  # abstract, so that no pass forgets it
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state["library"]._ensure_finalized()
        state.cr = state.cr._replace(cfunc=object())
        state.targetctx.insert_user_function(state.cr.cfunc, state.cr.fndesc, [state["library"]])
        return True


class PartCompiler(Compiler):
    """numba's compiler as far as the assembly."""

    def define_pipelines(self) -> list[Any]:
        (passes,) = super().define_pipelines()
        passes._finalized = False
        passes.add_pass_after(Offer, NativeLowering)
        passes.finalize()
        self.state.flags.no_compile = True
        self.state["library"] = Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return [passes]


def can_part() -> bool:
    """Whether this numba has what is needed here."""
    return hasattr(Flags, "no_compile") and all(hasattr(JITCodeLibrary, name) for name in NEEDED)


def offer_part(dispatcher: Any, function: Callable[..., Any], options: dict[str, Any]) -> None:
    """Let kernels that call the `dispatcher` of a function link the function's assembly."""
    part: Any = numba.njit(pipeline_class=PartCompiler, **BARE, **options)(function)
    part.add_overload = lambda result: part.overloads.update({tuple(result.signature.args): result})
    dispatcher.get_call_template, dispatcher.get_overload = part.get_call_template, part.get_overload
