"""What every bus has in common: addresses of bytes, strobes, and that words are transferred whole or not at all."""

from __future__ import annotations

from amaranth import Value

from oxmc.pymodels.formats import HOST_WORD_BITS
from oxmc.pymodels.interface import ADDRESS_BITS

BYTE_ADDRESS_BITS = ADDRESS_BITS + 2
STROBES = HOST_WORD_BITS // 8


def is_word(byte_address: Value) -> Value:
    """Whether an address is a word's."""
    return ~byte_address[:2].any()
