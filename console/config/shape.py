"""The form of a configuration: pydantic over the plain dataclasses, its complaints turned into mistakes."""

import dataclasses
import datetime
import json
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from console.config.kinds import Kind
from console.config.locate import KeyPath, line_of
from console.config.mistakes import Mistake, key_text, nearest, one_of, shown
from console.config.model import Config

_EXPECTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list in [ ]",
    "list_type": "a list in [ ]",
    "dict_type": "a table",
    "mapping_type": "a table",
    "dataclass_type": "a table",
    "finite_number": "a finite number",
}


@cache
def adapter() -> TypeAdapter[Config]:
    """What reads a configuration."""
    return TypeAdapter(Config)


def schema() -> dict[str, Any]:
    """The JSON Schema of the configuration file."""
    result: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    made = adapter().json_schema()
    # Where a service is declared is noted by the reader: no file can say it.
    del made["$defs"]["ServiceConfig"]["properties"]["where"]
    return result | made | {"title": "Hostdeck configuration"}


def read(raw: dict[str, Any]) -> Config:
    """Make a configuration of the values of a file; raises pydantic's ``ValidationError``."""
    return adapter().validate_json(json.dumps(_without_dates(raw, ())))


def _without_dates(value: Any, path: KeyPath) -> Any:
    """JSON has no dates, and as text they would pass for text: something stands for them that nothing takes there."""
    match value:
        case dict():
            return {key: _without_dates(part, (*path, key)) for key, part in value.items()}
        case list():
            return [_without_dates(part, (*path, index)) for index, part in enumerate(value)]
        case datetime.date() | datetime.time():
            declared = _type_at(path)
            return 0 if get_origin(_bare(declared)) is tuple else []
        case _:
            return value


def mistakes(error: ValidationError, raw: dict[str, Any], lines: dict[KeyPath, int]) -> list[Mistake]:
    """What pydantic found wrong, in words."""
    return [_mistake(detail, raw, lines) for detail in error.errors(include_url=False, include_context=False)]


def _mistake(detail: ErrorDetails, raw: dict[str, Any], lines: dict[KeyPath, int]) -> Mistake:
    path: KeyPath = detail["loc"]
    line, key = line_of(lines, path), key_text(path, raw)
    owner = _type_at(path[:-1])
    if detail["type"] == "unexpected_keyword_argument":
        known = _fields(owner)
        return Mistake("unknown key", one_of(known), key, line, meant=nearest(str(path[-1]), known))
    kind = _kind(_type_at(path))
    expected = kind.expected if kind else _EXPECTED.get(detail["type"], detail["msg"].removeprefix("Input should be "))
    if detail["type"] in {"missing", "missing_argument"}:
        return Mistake("not there", kind.expected if kind else "a value", key, line)
    # Who writes a password where its place is wanted must not find it in a log.
    secret = any(str(part).startswith("password") for part in path)
    return Mistake("found something else" if secret else f"found {shown(value_at(raw, path))}", expected, key, line)


def value_at(raw: Any, path: KeyPath) -> Any:
    """The value at a path of the file's values; ``None`` where there is none."""
    for part in path:
        if isinstance(part, int):
            raw = raw[part] if isinstance(raw, list) and part < len(raw) else None
        else:
            raw = raw.get(part) if isinstance(raw, dict) else None
    return raw


def _fields(owner: Any) -> tuple[str, ...]:
    fields = dataclasses.fields(owner) if dataclasses.is_dataclass(owner) else ()
    return tuple(field.name for field in fields if field.init)


def _type_at(path: KeyPath) -> Any:
    """The declared type at a path, with its annotations."""
    kind: Any = Config
    for part in path:
        bare = _bare(kind)
        if dataclasses.is_dataclass(bare):
            kind = get_type_hints(bare, include_extras=True).get(str(part))
        elif isinstance(part, int):
            kind = (get_args(bare) or (None,))[0]
        else:
            kind = (get_args(bare) or (None,))[-1]
    return kind if get_origin(kind) is Annotated else _bare(kind)


def _bare(kind: Any) -> Any:
    """A type without annotations and without ``| None``."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return _bare(next(option for option in get_args(kind) if option is not NoneType))
    return kind


def _kind(declared: Any) -> Kind | None:
    if get_origin(declared) is not Annotated:
        return None
    return next((note for note in get_args(declared)[1:] if isinstance(note, Kind)), None)
