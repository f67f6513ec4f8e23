"""The line of every key, on every form that TOML has."""

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.config.locate import KeyPath, line_of, locate

TEXT = '''# comment [not.a.table]
title = "a # no comment"
a.b."c.d" = 1     # dotted
list = [
  1,   # one
  # nothing = here
  [2,
   "]"],
  { x = 1, y.z = "}" },
]
long = """
[fake]
key = 1 \\""" still
"""
raw = \'\'\'
fake = 1\'\'\'\'
"quoted\\u0041" = true
[table]
inside = 1979-05-27 07:32:00
[table."sub.x"]
  k = 1
[[hosts]]
name = "one"
[hosts.extra]
deep = {a = [1,
 2]}
[[hosts]]
name = "two"
  [[hosts.ports]]
  port = 1
  [[hosts.ports]]
  port = 2
[empty]
'''


def test_every_form_has_its_line() -> None:
    tomllib.loads(TEXT)
    lines = locate(TEXT)
    numbered = TEXT.split("\n")
    expected: dict[KeyPath, str] = {
        ("title",): "title =",
        ("a", "b", "c.d"): "a.b.",
        ("list",): "list = [",
        ("list", 0): "  1,",
        ("list", 1): "  [2,",
        ("list", 1, 1): '   "]"],',
        ("list", 2, "y", "z"): "  { x = 1",
        ("long",): "long =",
        ("raw",): "raw =",
        ("quotedA",): '"quoted',
        ("table", "inside"): "inside",
        ("table", "sub.x", "k"): "  k = 1",
        ("hosts", 0, "name"): 'name = "one"',
        ("hosts", 0, "extra"): "[hosts.extra]",
        ("hosts", 0, "extra", "deep", "a", 1): " 2]}",
        ("hosts", 1, "name"): 'name = "two"',
        ("hosts", 1, "ports", 0, "port"): "  port = 1",
        ("hosts", 1, "ports", 1, "port"): "  port = 2",
        ("empty",): "[empty]",
    }
    for path, start in expected.items():
        assert numbered[lines[path] - 1].startswith(start), path
    assert ("long", "key") not in lines
    assert ("fake",) not in lines


def test_the_nearest_enclosing_key_stands_for_what_is_not_written() -> None:
    lines = locate("[ssh]\n\n[[hosts]]\nname = 'a'\n")
    assert line_of(lines, ("hosts", 0, "port")) == 3
    assert line_of(lines, ("nothing",)) == 1


def test_windows_line_ends_do_not_shift_lines() -> None:
    assert locate('a = """\r\nx\r\n"""\r\nb = 1\r\n')[("b",)] == 4


leaves = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(st.characters(codec="utf-8"), max_size=8))
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)


def _string(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _inline(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_string(key)} = {_inline(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ",\n".join(map(_inline, value)) + "]"
        case str():
            return _string(value)
        case _:
            return json.dumps(value)


def _paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, entry in pairs for found in _paths(entry, (*path, key))]


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), values, max_size=5))
def test_every_path_of_any_document_is_found_and_on_its_keys_line(document: dict[str, Any]) -> None:
    lines, text = {}, ""
    for key, value in document.items():
        lines[key] = text.count("\n") + 1
        text += f"{_string(key)} = {_inline(value)}\n"
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # surrogates and newlines within inline tables are no TOML 1.0
        return
    located = locate(text)
    assert set(_paths(parsed)) == set(located)
    assert {path[0]: line for path, line in located.items() if len(path) == 1} == lines
