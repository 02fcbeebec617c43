"""`posterior.nc` written by h5netcdf alone: what xarray writes, without the half second of its import."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.posterior import Group, Values
from oxmc.pymodels.whole import write_file


def write_posterior(groups: dict[str, Group], path: Path) -> None:
    """Write groups by name, the root as "/"."""
    write_file(path, _content(groups))


def load_library() -> None:
    """Load what writing needs, the library's own first time with it."""
    _content({"/": Group({"nothing": Values(("none",), np.zeros(1))}, {})})


def _content(groups: dict[str, Group]) -> bytes:
    import h5netcdf

    content = io.BytesIO()  # where writing cannot fail: the library does not survive a full disk
    with h5netcdf.File(content, "w") as file:
        for name, group in groups.items():
            place = file if name == "/" else file.create_group(name)
            place.attrs.update(group.attributes)
            _write_group(place, group)
    return content.getvalue()


def _write_group(place: Any, group: Group) -> None:
    everything = {**group.variables, **group.coords}
    sizes = {dim: size for each in everything.values() for dim, size in zip(each.dims, each.values.shape, strict=True)}
    place.dimensions = sizes
    for name, each in everything.items():
        beside = [other for other, coord in group.coords.items() if other not in sizes and _covers(each, coord)]
        variable = _variable(place, name, each)
        variable.attrs.update(each.attributes)
        if name in group.variables and beside:
            variable.attrs["coordinates"] = " ".join(beside)  # those that are no dimension, by the CF conventions


def _covers(each: Values, coord: Values) -> bool:
    return set(coord.dims) <= set(each.dims)


def _variable(place: Any, name: str, each: Values) -> Any:
    if each.values.dtype.kind == "f":  # NaN is what is missing, and is said so
        variable = place.create_variable(name, each.dims, each.values.dtype, data=each.values, fillvalue=np.nan)
        variable.attrs["_FillValue"] = np.nan
        return variable
    if each.values.dtype.kind in "UO":
        import h5py

        return place.create_variable(name, each.dims, h5py.string_dtype(), data=each.values.astype(object))
    return place.create_variable(name, each.dims, each.values.dtype, data=each.values)
