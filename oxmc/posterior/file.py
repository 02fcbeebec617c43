"""`posterior.nc` written by h5py alone: what xarray writes, without the half second of its import.

netCDF-4 is HDF5 whose dimensions are dimension scales, counted through the file; a variable has the number of its first
("NetCDF-4 file format", Unidata).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.groups import Group, Values
from oxmc.pymodels.whole import write_file

LARGE = 1 << 23
"""Bytes from which on a variable is compressed, which takes some 6 ms a megabyte; repeated draws shrink to a fifth."""
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable. {:9d}"
"""The name of a scale that has no coordinate, with its length."""


def write_posterior(groups: dict[str, Group], path: Path) -> None:
    """Write groups by name, the root as "/"."""
    write_file(path, _content(groups))


def load_library() -> None:
    """Load what writing needs, the library's own first time with it."""
    _content({"/": Group({"nothing": Values(("none",), np.zeros(1))}, {})})


def _content(groups: dict[str, Group]) -> bytes:
    import h5py

    with h5py.File("posterior", "w", driver="core", backing_store=False) as file:  # in memory: writing cannot fail
        known = 0
        for name, group in groups.items():
            place = file if name == "/" else file.create_group(name)
            place.attrs.update(
                {key: each if isinstance(each, str) else [each] for key, each in group.attributes.items()}
            )
            known += _write_group(place, group, known)
        file.flush()
        content: bytes = file.id.get_file_image()
    return content


def _write_group(place: Any, group: Group, known: int) -> int:
    """Write a group behind `known` dimensions; how many it has."""
    everything = {**group.variables, **group.coords}
    sizes = {dim: size for each in everything.values() for dim, size in zip(each.dims, each.values.shape, strict=True)}
    numbers = {dim: np.int32(known + place_in) for place_in, dim in enumerate(sizes)}
    scales = {dim: _scale(place, dim, numbers[dim], size, group) for dim, size in sizes.items()}
    for name, each in everything.items():
        if name in scales:
            continue
        variable = _dataset(place, name, each)
        variable.attrs["_Netcdf4Dimid"] = numbers[each.dims[0]]
        for axis, dim in enumerate(each.dims):
            variable.dims[axis].attach_scale(scales[dim])
        beside = [other for other, coord in group.coords.items() if other not in sizes and _covers(each, coord)]
        if name in group.variables and beside:
            variable.attrs["coordinates"] = " ".join(beside)  # those that are no dimension, by the CF conventions
    return len(sizes)


def _scale(place: Any, dim: str, number: np.int32, size: int, group: Group) -> Any:
    """The scale of a dimension: its coordinate, or where it has none a place holder."""
    is_named = dim in group.coords
    scale = _dataset(place, dim, group.coords[dim]) if is_named else place.create_dataset(dim, (size,), ">f4")
    scale.make_scale(dim if is_named else NO_VARIABLE.format(size))
    scale.attrs["_Netcdf4Dimid"] = number
    return scale


def _covers(each: Values, coord: Values) -> bool:
    return set(coord.dims) <= set(each.dims)


def _dataset(place: Any, name: str, each: Values) -> Any:
    import h5py

    values, options = each.values, {}
    if values.dtype.kind in "UO":
        dataset = place.create_dataset(name, data=values.astype(object), dtype=h5py.string_dtype())
    else:
        if values.nbytes >= LARGE:
            options = {"compression": "gzip", "compression_opts": 1}
        if values.dtype.kind == "f":  # NaN is what is missing, and is said so
            options["fillvalue"] = np.nan
        elif values.dtype.kind == "b":
            values = values.astype(np.int8)
        dataset = place.create_dataset(name, data=values, **options)
        if values.dtype.kind == "f":
            dataset.attrs["_FillValue"] = np.array([np.nan], values.dtype)
        elif each.values.dtype.kind == "b":
            dataset.attrs["dtype"] = "bool"
    dataset.attrs.update(each.attributes)
    return dataset
