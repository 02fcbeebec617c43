"""What an integrator is given beside the Verilog: the registers as data, and what follows from them."""

NO_BUS = "none"
BUSES = {NO_BUS: "no bus", "apb": "APB", "axi4lite": "AXI4-Lite", "wishbone": "Wishbone"}
"""Each bus by its name on the command line, and in words."""
