"""Names that Verilog, SystemVerilog and VHDL all take without escaping, and Verilog brought to such names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

VERILOG = frozenset(
    """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
    design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
    endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
    input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
    scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor
    """.split()
)
"""Reserved words of Verilog. Source: IEEE 1364-2005, annex B."""
SYSTEM_VERILOG = frozenset(
    """
    accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
    checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
    endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
    export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
    import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
    nettype new nexttime null package packed priority program property protected pure rand randc randcase randsequence
    ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal
    soft solve static string strong struct super sync_accept_on sync_reject_on tagged this throughout timeprecision
    timeunit type typedef union unique unique0 until until_with untyped var virtual void wait_order weak wildcard with
    within
    """.split()
)
"""What SystemVerilog reserves besides. Source: IEEE 1800-2017, annex B."""
VHDL = frozenset(
    """
    abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body buffer
    bus case component configuration constant context cover default disconnect downto else elsif end entity exit
    fairness file for force function generate generic group guarded if impure in inertial inout is label library
    linkage literal loop map mod nand new next nor not null of on open or others out package parameter port postponed
    private procedure process property protected pure range record register reject release rem report restrict
    restrict_guarantee return rol ror select sequence severity shared signal sla sll sra srl strong subtype then to
    transport type unaffected units until use variable view vmode vpkg vprop vunit wait when while with xnor xor
    """.split()
)
"""Reserved words of VHDL, in which case does not count. Source: IEEE 1076-2008 and 1076-2019, clause 15.10."""
RESERVED = VERILOG | SYSTEM_VERILOG | VHDL

TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\])*" | \d*'s?[bodh][\w?]+ | `\w+ | \$\w+ |"""
    r"""\\(?P<escaped>\S+)[ ] | (?P<word>[A-Za-z_][\w$]*)""",
    re.VERBOSE | re.DOTALL,
)


def is_plain(name: str) -> bool:
    """Whether all three languages take `name` as it is: letters, digits and single underscores between them."""
    return re.fullmatch("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", name) is not None and name.lower() not in RESERVED


@cache
def plain(name: str) -> str:
    """A plain name that says the same: `bus__write` is `bus_write`, `cell` is `cell_s`, `$1` is `s1`."""
    words = "_".join(re.findall("[A-Za-z0-9]+", name))
    words = words if words[:1].isalpha() else f"s{words}"
    return words if is_plain(words) else f"{words}_s"


def plain_verilog(text: str) -> str:
    """The same Verilog with plain identifiers only; every name gives way to those that are plain already.

    One name becomes one other in the whole text, so that modules and those that instantiate them still agree.
    """
    found = dict.fromkeys(name for token in TOKEN.finditer(text) if (name := _identifier(token)))
    names = _plain_names(found)
    return TOKEN.sub(lambda token: names.get(_identifier(token) or "", token[0]), text)


def _identifier(token: re.Match[str]) -> str | None:
    """The name that a token is, None for anything else: Verilog's own words stand unescaped."""
    return token["escaped"] or (None if token["word"] in VERILOG else token["word"])


def _plain_names(names: Iterable[str]) -> dict[str, str]:
    """A plain name for each, all different where case does not count."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names, key=lambda name: not is_plain(name)):
        base = free = plain(name)
        number = 0
        while free.lower() in taken:
            number += 1
            free = f"{base}_{number}"
        taken.add(free.lower())
        found[name] = free
    return found
