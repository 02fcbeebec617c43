"""For a cocotb bench of one's own: the OxRAM array behind any array port, a driver for any host port.

    import oxmc
    from oxmc.cocotb import Host, OxramArray

    run = oxmc.train("toy", seed=7)  # on the twin
    OxramArray(dut, run.config, prefix="array_", seed=7).start()
    host = Host(dut, run.config, prefix="host_")
    await host.train(run.job)
    classes, sums = await host.infer()

The top, its clock and its reset are the bench's own. docs/reference/cocotb.md has more,
docs/guide/own-bench a whole example. "The paper" is Dalgaty et al., Nature Electronics 4, 151-161 (2021).
"""

from oxmc.cocotb.array import OxramArray as OxramArray
from oxmc.cocotb.host import Host as Host
from oxmc.pymodels.interface import Command as Command
from oxmc.pymodels.interface import Setting as Setting
from oxmc.pymodels.job import Job as Job
from oxmc.pymodels.oxram.array import ArrayError as ArrayError

__all__ = ["ArrayError", "Command", "Host", "Job", "OxramArray", "Setting"]
