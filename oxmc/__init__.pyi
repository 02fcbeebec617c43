from oxmc.api.adapting import adapt as adapt
from oxmc.api.many import sweep as sweep
from oxmc.api.many import train_many as train_many
from oxmc.api.run import Run as Run
from oxmc.api.run import open_run as open_run
from oxmc.api.task import Task as Task
from oxmc.api.tools import calibrate as calibrate
from oxmc.api.tools import verilog as verilog
from oxmc.api.training import train as train
from oxmc.pymodels.config import Config as Config
from oxmc.pymodels.config import preset as preset
from oxmc.pymodels.errors import OxmcError as OxmcError

__all__ = [
    "Config", "OxmcError", "Run", "Task", "adapt", "calibrate", "open_run", "preset", "sweep", "train", "train_many",
    "verilog",
]  # fmt: skip
