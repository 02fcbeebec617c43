"""Hidden layer of a Bayesian network: what its neurons' evaluations make of one sample, the outputs' inputs."""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.likelihood import table_index
from oxmc.hdl.ram import Ram
from oxmc.pymodels.formats import Formats, bits_for


class Activation(wiring.Component):
    """A table, shared by all hidden neurons, from ADC code to sigmoid, and a register a neuron that holds the result.

    A sigmoid is an input code from 0 to `Formats.input_max`, which stands for 1; so its sign is no bit of the table.
    `codes` are the outputs' input lanes, neuron 0 in the lowest bits, as wide as the array port's.

    Latency: 2 cycles from `valid` to `codes`; one evaluation a cycle.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.table = Ram.of(formats, "activation")
        super().__init__(
            {
                "valid": In(1),  # the answer of a hidden neuron is there
                "code": In(config.adc_bits),  # ADC code of that neuron, signed
                "neuron": In(bits_for(config.hidden - 1)),  # number of that neuron, from 0
                "codes": Out(formats.lanes_bits),  # input lanes of the outputs: each neuron's sigmoid, neuron 0 lowest
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.table
        config = self.formats.config
        looked_up = Signal()
        looked_up_neuron = Signal.like(self.neuron)
        registers = Array(Signal(self.formats.activation_bits, name=f"neuron_{i}") for i in range(config.hidden))
        m.d.comb += [
            self.table.read_enable.eq(self.valid),
            self.table.read_address.eq(table_index(self.code, config.adc_bits, config.table_bits)),
            self.codes.eq(Cat(Cat(register, Const(0, 1)) for register in registers)),
        ]
        m.d.sync += looked_up.eq(self.valid)
        with m.If(self.valid):
            m.d.sync += looked_up_neuron.eq(self.neuron)
        with m.If(looked_up):
            m.d.sync += registers[looked_up_neuron].eq(self.table.read_data)
        return m
