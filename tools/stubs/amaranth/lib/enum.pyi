"""Enumerations with a shape, so that the type checker knows their members for such."""
# mypy: disable-error-code="misc"
# (an enumeration without members is a mistake in most stubs, and the point of this one)

import enum
from typing import Any

class EnumType(enum.EnumMeta):
    def as_shape(cls) -> Any: ...

class Enum(enum.Enum, metaclass=EnumType):
    def __init_subclass__(cls, *, shape: Any = ..., view_class: Any = ...) -> None: ...

class IntEnum(enum.IntEnum, metaclass=EnumType):
    def __init_subclass__(cls, *, shape: Any = ..., view_class: Any = ...) -> None: ...

class Flag(enum.Flag, metaclass=EnumType):
    def __init_subclass__(cls, *, shape: Any = ..., view_class: Any = ...) -> None: ...

class IntFlag(enum.IntFlag, metaclass=EnumType):
    def __init_subclass__(cls, *, shape: Any = ..., view_class: Any = ...) -> None: ...
