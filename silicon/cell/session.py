"""ngspice on a pipe: one circuit, whose sources are altered from one operating point to the next."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from oxmc.pymodels import tools
from oxmc.pymodels.errors import RunError
from oxmc.silicon.characterise.spice import ONE_THREAD, spice_environment

DONE = "@done"
VALUE = re.compile(r"^(\S+) = (\S+)$")


class Session:
    """The circuit of `deck`, kept in `folder`. Raises `InputError` without ngspice, `RunError` where it fails."""

    def __init__(self, deck: str, folder: Path):
        command = [tools.find_tool("ngspice", "make cell"), "-n", "-p", "deck.spice"]
        folder.mkdir(parents=True, exist_ok=True)
        title, _, rest = deck.partition("\n")
        (folder / "deck.spice").write_text(f"{title}\n{ONE_THREAD}{rest}")
        self._values: dict[str, float] = {}
        self._ngspice = subprocess.Popen(
            command, cwd=folder, env=spice_environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._ask("set numdgt=14")

    def point(self, sources: Mapping[str, float], *wanted: str) -> list[float]:
        """The operating point with `sources` in V or ohm altered: the vectors `wanted`, as i(vfe). Others stay."""
        changed = {name: value for name, value in sources.items() if self._values.get(name) != value}
        self._values |= changed
        lines = [f"alter {name} = {value:.12g}" for name, value in changed.items()]
        answer = self._ask("\n".join([*lines, "op", *(f"print {name}" for name in wanted), "destroy all"]))
        found = {match[1]: float(match[2]) for match in map(VALUE.match, answer) if match}
        if set(found) != set(wanted):
            raise RunError(f"ngspice found no operating point: {' '.join(answer)[-200:]}")
        return [found[name] for name in wanted]

    def _ask(self, commands: str) -> list[str]:
        """What ngspice prints until it has done all `commands`."""
        assert self._ngspice.stdin and self._ngspice.stdout
        self._ngspice.stdin.write(f"{commands}\necho {DONE}\n")
        self._ngspice.stdin.flush()
        answer: list[str] = []
        for line in self._ngspice.stdout:
            if DONE in line:
                return answer
            answer.append(line.strip())
        raise RunError(f"ngspice ended: {' '.join(answer)[-200:]}")

    def close(self) -> None:
        if self._ngspice.stdin:
            self._ngspice.stdin.close()
        self._ngspice.kill()
        self._ngspice.wait()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
