"""Values that came from outside, checked against type hints: fields of configurations, options, JSON files and headers of weights.

A hint may hold a `Range`:

>>> Count = Annotated[int, Range(1)]
>>> misfit([3, 0], list[Count])
'[1] is 0; it must be at least 1'
>>> misfit({"size": "32"}, dict[str, int])
'["size"] is "32"; it must be a whole number'
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from ..errors import ConfigError

KINDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a finite number", (int, float)),
    str: ("text", (str,)),
    bool: ("true or false", (bool,)),
    list: ("a list", (list,)),
    tuple: ("a list", (tuple, list)),
    dict: ("a table of names and values", (dict,)),
}


@dataclass(frozen=True)
class Range:
    """The numbers that are allowed, ends included unless `above`: greater than `least`."""

    least: float
    most: float = math.inf
    above: bool = False

    def __str__(self) -> str:
        least = f"greater than {self.least:g}" if self.above else f"at least {self.least:g}"
        return least if self.most == math.inf else f"{least} and at most {self.most:,.15g}".replace(",", "")

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most and not (self.above and value == self.least)


Count = Annotated[int, Range(1, 10**9)]
Amount = Annotated[int, Range(0, 10**9)]
Seed = Annotated[int, Range(0, 2**32 - 1)]
Share = Annotated[float, Range(0, 1)]
Weight = Annotated[float, Range(0, 1e6)]


def misfit(value: Any, hint: Any, place: str = "") -> str | None:
    """The first thing in a plain value that doesn't fit a type hint, in words; None if all does. Classes of others fit anything."""
    hint, limits = _unpack(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        found = [misfit(value, option, place) for option in arguments]
        return None if None in found else found[0]
    if hint is None or hint is type(None):
        return None if value is None else f"{place} is {_shown(value)}; it must be null"
    if origin is Literal:
        return None if value in arguments and type(value) is not bool else f"{place} is {_shown(value)}; it must be {_either(arguments)}"
    if is_typeddict(hint):
        return _misfit_in_table(value, hint, place)
    kind = KINDS.get(origin or hint)
    if kind is None:
        return None
    name, classes = kind
    of_kind = isinstance(value, classes)
    if not of_kind or (isinstance(value, bool) and bool not in classes) or (bool not in classes and not _finite(value)):
        return f"{place} is {_shown(value)}; it must be {name}"
    outside = next((limit for limit in limits if isinstance(limit, Range) and value not in limit), None)
    if outside is not None:
        return f"{place} is {_shown(value)}; it must be {outside}"
    inside: list[str | None] = []
    if origin is dict:
        inside = [misfit(name, arguments[0], f"{place} name") for name in value]
        inside += [misfit(of, arguments[1], f"{place}[{_shown(name)}]") for name, of in value.items()]
    elif origin is list or (origin is tuple and arguments[1:] == (...,)):
        inside = [misfit(of, arguments[0], f"{place}[{number}]") for number, of in enumerate(value)]
    elif origin is tuple:
        if len(value) != len(arguments):
            return f"{place} has {len(value)} values; it must have {len(arguments)}"
        inside = [misfit(of, wanted, f"{place}[{number}]") for number, (of, wanted) in enumerate(zip(value, arguments, strict=True))]
    return next((text for text in inside if text is not None), None)


def _misfit_in_table(value: Any, hint: Any, place: str) -> str | None:
    """The first entry of a table that doesn't fit the fields of a `TypedDict`; others are allowed."""
    if not isinstance(value, dict):
        return f"{place} is {_shown(value)}; it must be a table of names and values"
    for name, of in _hints(hint).items():
        if name in value:
            text = misfit(value[name], of, f"{place}.{name}" if place else name)
            if text is not None:
                return text
        elif name in hint.__required_keys__:
            return f"{place or 'the table'} has no {name}"
    return None


class Checked:
    """Base of frozen dataclasses whose fields are looked at when they are made. Raises `ConfigError` for a value that doesn't fit."""

    def __post_init__(self) -> None:
        hints = _hints(type(self))  # type: ignore[arg-type]
        for one in fields(self):  # type: ignore[arg-type]
            text = misfit(getattr(self, one.name), hints[one.name], one.name)
            if text is not None:
                raise ConfigError(f"{type(self).__name__}: {text}.")


def misfit_of_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> str | None:
    """The first of named arguments that a function lacks or that doesn't fit its type hint, in words; None if all fit."""
    hints = {name: hint for name, hint in _hints(function).items() if name not in ("self", "return")}
    for name, value in arguments.items():
        if name not in hints:
            return f"there is no {_shown(name)}"
        text = misfit(value, hints[name], name)
        if text is not None:
            return text
    return None


@cache
def _hints(of: Any) -> dict[str, Any]:
    return get_type_hints(of, include_extras=True)


def _unpack(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A hint without what annotates it, and that."""
    return (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())


def _finite(value: Any) -> bool:
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    """A value as JSON has it, cut short."""
    try:
        return f"{json.dumps(value):.60}"
    except RecursionError:
        return "nested too deeply"
    except (TypeError, ValueError):
        return f"{value!r:.60}"


def _either(values: tuple[Any, ...]) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last
