"""Work on a Dask cluster whose workers are all of this version, and that may die at any time, in part or as a whole.

joblib's Dask backend runs everything here where it sees one worker thread, and waits for ever for workers that cannot
import what they are sent. Here each worker is asked first who it is, takes one call at a time, and a call whose worker
died goes to another. What is sent names functions and holds bytes, so that the scheduler needs no oxmc.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import operator
import pkgutil
import queue
import re
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

from oxmc.campaign.workers import differences, identity
from oxmc.pymodels.errors import InputError, RunError

ANSWER_S = 5.0
"""Longest wait for an answer of the scheduler."""
ASKED_S = 8.0
"""Longest wait for a worker that is asked who it is: it may have to import this program first."""
GONE_S = 8.0
"""Longest time without a worker: a nanny starts one that died again within seconds."""
LOOK_S = 0.5
CLOSE_S = 2.0
TRIES = 3
"""Workers that may die of a call before it counts as failed."""
NAMED = 3
"""Workers that a message names."""
ADDRESS = re.compile(r"(?:(?:tcp|tls)://)?(?:[^\s/:@\[\]]+|\[[\dA-Fa-f:.%\w]+\]):(\d{1,5})")


def check_address(text: str) -> None:
    """Raises `InputError` unless `text` is host and port of a scheduler."""
    found = ADDRESS.fullmatch(text)
    if not found or not 0 < int(found[1]) < 1 << 16:
        raise InputError(f"--cluster must be the address of a Dask scheduler, as in tcp://host:8786, not {text!r}")


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster at `address`, with workers that were asked who they are.

    Raises `InputError` without the package, `RunError` for a scheduler that does not answer, or has no workers or other
    ones.
    """
    check_address(address)
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--cluster needs the packages of oxmc[cluster], which are not installed") from error
    with _quiet():
        _check_scheduler(address)
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
        try:
            cluster = Cluster(client, address)
            cluster.check_workers()
            yield cluster
        finally:
            with contextlib.suppress(Exception):
                client.close(timeout=CLOSE_S)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask says in many lines what becomes one here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _check_scheduler(address: str) -> None:
    """Raises `RunError` unless a scheduler answers in time; Dask itself waits for ever for a port that is silent."""
    rule = f"--cluster must be a running Dask scheduler, but {address!r}"
    try:
        kind = asyncio.run(asyncio.wait_for(_kind(address), ANSWER_S))
    except Exception as error:  # whatever another program says, or the network
        if isinstance(error, TimeoutError) or "Timed out" in str(error):
            raise RunError(f"{rule} does not answer within {ANSWER_S:g} s") from error
        raise RunError(f"{rule} is none ({' '.join(str(error).split()) or type(error).__name__})") from error
    if kind != "Scheduler":
        raise RunError(f"{rule} is a {kind}")


async def _kind(address: str) -> str:
    """What a Dask process says it is."""
    from distributed import Security
    from distributed.comm import connect

    comm = await connect(address, timeout=ANSWER_S, **Security().get_connection_args("client"))
    try:
        await comm.write({"op": "identity", "reply": True})
        return str((await comm.read())["type"])
    finally:
        comm.abort()


class Cluster:
    """The workers of a Dask cluster that are of this version, by their addresses."""

    def __init__(self, client: Any, address: str):
        self._client, self._address = client, address
        self._work: dict[str, Any] = {}
        """By worker that may be used: `oxmc.campaign.workers.work` as it has it."""
        self._refused: dict[str, str] = {}
        """By worker that may not: why."""

    def check_workers(self) -> None:
        """Raises `RunError` where no worker comes in time or one is of another version."""
        end = time.monotonic() + GONE_S
        while not self._live() and not self._refused and time.monotonic() < end:
            time.sleep(LOOK_S)
        if self._refused:
            raise RunError(f"--cluster must have workers with this oxmc, but {self._refusals()}")
        if not self._live():
            raise RunError(f"--cluster must have workers, but {self._address!r} has none")

    def _refusals(self) -> str:
        said = [f"{worker} has {why}" for worker, why in sorted(self._refused.items())]
        more = [f"{len(said) - NAMED} more"] if len(said) > NAMED else []
        return "; ".join([*said[:NAMED], *more])

    def _addresses(self) -> set[str]:
        """The workers that the scheduler has now. Raises `RunError` where it does not say so in time."""
        try:
            found: dict[str, int] = self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER_S)
        except Exception as error:
            raise RunError(f"the scheduler {self._address!r} of --cluster does not answer any more") from error
        return set(found)

    def _live(self) -> set[str]:
        """The workers that are there and may be used; new ones are asked first."""
        addresses = self._addresses()
        self._refused = {worker: why for worker, why in self._refused.items() if worker in addresses}
        self._work = {worker: work for worker, work in self._work.items() if worker in addresses}
        new = addresses - self._work.keys() - self._refused.keys()
        asked = {
            worker: self._submit(worker, operator.call, self._named(worker, "oxmc.campaign.workers:identity"))
            for worker in new
        }
        end = time.monotonic() + ASKED_S
        for worker, future in asked.items():
            why = _other(future, max(0.0, end - time.monotonic()))
            if why:
                self._refused[worker] = why
            else:
                self._work[worker] = self._named(worker, "oxmc.campaign.workers:work")
        return set(self._work)

    def _submit(self, worker: str, function: Any, *arguments: Any) -> Any:
        return self._client.submit(function, *arguments, workers=[worker], allow_other_workers=False, pure=False)

    def _named(self, worker: str, name: str) -> Any:
        """A function as a worker finds it, not as it is here."""
        return self._submit(worker, pkgutil.resolve_name, name)

    def results(self, name: str, sent: Sequence[bytes]) -> Iterator[tuple[int, bytes | str]]:
        """(place in `sent`, result) of function `name`, `module:function`, on each of `sent`, in order of completion.

        A result is what the function returned, as bytes, or says why there is none. Raises `RunError` where scheduler
        or workers are gone.
        """
        waiting, running = deque(range(len(sent))), dict[str, tuple[int, Any]]()
        done: queue.Queue[str] = queue.Queue()
        deaths: Counter[int] = Counter()
        live, looked, seen = self._live(), time.monotonic(), time.monotonic()
        while waiting or running:
            if time.monotonic() - looked > LOOK_S:
                live, looked = self._live(), time.monotonic()
            for worker in running.keys() - live:
                place, _ = running.pop(worker)
                deaths[place] += 1
                waiting.appendleft(place)
            while waiting and deaths[waiting[0]] >= TRIES:
                place = waiting.popleft()
                yield place, f"its worker died, {TRIES} times"
            for worker in list(live - running.keys())[: len(waiting)]:
                place = waiting.popleft()
                future = self._submit(worker, operator.call, self._work[worker], name, identity(), sent[place])
                running[worker] = place, future
                future.add_done_callback(lambda _, worker=worker: done.put(worker))
            seen = time.monotonic() if live else seen
            if time.monotonic() - seen > GONE_S:
                others = f"; {self._refusals()}" if self._refused else ""
                raise RunError(f"the workers of --cluster {self._address!r} are all gone{others}")
            with contextlib.suppress(queue.Empty):
                worker = done.get(timeout=LOOK_S)
                if worker in running and running[worker][1].done():
                    place, future = running.pop(worker)
                    yield from self._result(place, future, waiting, deaths)

    @staticmethod
    def _result(
        place: int, future: Any, waiting: deque[int], deaths: Counter[int]
    ) -> Iterator[tuple[int, bytes | str]]:
        """The result of a call that has ended; one that was lost with its worker waits for another."""
        if future.status == "error":
            yield place, " ".join(str(future.exception(timeout=ANSWER_S)).split())
            return
        try:
            yield place, future.result(timeout=ANSWER_S)
        except Exception:
            deaths[place] += 1
            waiting.appendleft(place)


def _other(future: Any, seconds: float) -> str:
    """How a worker that was asked who it is differs from this process; empty where it does not."""
    try:
        return differences(future.result(timeout=seconds))
    except TimeoutError:
        return "not answered"
    except (ImportError, AttributeError) as error:
        return f"no oxmc or another one ({' '.join(str(error).split())})"
    except Exception as error:
        return f"failed to say which it has ({type(error).__name__}: {' '.join(str(error).split())})"
