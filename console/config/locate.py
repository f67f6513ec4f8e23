"""Where a key stands in a TOML text.

``tomllib`` gives values without their places. This reads a text that ``tomllib`` has accepted (so it does not check
anything itself) and notes the line of every table, key and list entry. Grammar: toml.io, v1.0.0.
"""

from bisect import bisect_right

KeyPath = tuple[str | int, ...]

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_BARE_END = ",]}\n#"


def locate(text: str) -> dict[KeyPath, int]:
    """Map every key path to its line, counted from 1. List entries are in the path by index, from 0."""
    reader = _Reader(text)
    reader.document()
    return reader.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a path, or of the nearest enclosing key that is in the text; 1 for the document itself."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Reader:
    """A cursor over the text. Every method leaves it behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._newlines = [index for index, character in enumerate(self.text) if character == "\n"]
        self._tables: dict[KeyPath, int] = {}  # how many times an array of tables was opened

    def document(self) -> None:
        """Read everything."""
        table: KeyPath = ()
        while self._blank():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line, repeated = self._line(), self.text.startswith("[[", self.at)
        self.at += 2 if repeated else 1
        names = self._key()
        self.at += 2 if repeated else 1
        parent: KeyPath = ()
        for name in names[:-1]:
            parent = self._latest((*parent, name))
            self.lines.setdefault(parent, line)
        path: KeyPath = (*parent, names[-1])
        self.lines.setdefault(path, line)
        if repeated:
            self._tables[path] = self._tables.get(path, 0) + 1
        path = self._latest(path)
        self.lines.setdefault(path, line)
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, table: KeyPath) -> None:
        line, path = self._line(), table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.at += 1  # "="
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._spaces()
            if self._peek() in "\"'":
                names.append(self._string())
            else:
                start = self.at
                while self._peek() not in " \t.=]":
                    self.at += 1
                names.append(self.text[start : self.at])
            self._spaces()
            if self._peek() != ".":
                return names
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        self._spaces()
        self.lines.setdefault(path, self._line())
        match self._peek():
            case '"' | "'":
                self._string()
            case "[":
                self._list(path)
            case "{":
                self._inline(path)
            case _:
                while self.at < len(self.text) and self._peek() not in _BARE_END:
                    self.at += 1

    def _list(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._blank(","):
            if self._peek() == "]":
                break
            self._value((*path, index))
            index += 1
        self.at += 1

    def _inline(self, path: KeyPath) -> None:
        self.at += 1
        while self._blank(","):
            if self._peek() == "}":
                break
            self._pair(path)
        self.at += 1

    def _string(self) -> str:
        quote = self._peek()
        if self.text.startswith(quote * 3, self.at):
            return self._long_string(quote)
        self.at += 1
        parts = []
        while (character := self._peek()) != quote:
            if character == "\\" and quote == '"':
                character = self._escape()
            else:
                self.at += 1
            parts.append(character)
        self.at += 1
        return "".join(parts)

    def _long_string(self, quote: str) -> str:
        """Skip a multi-line string. It is never a key, so its value is of no interest."""
        self.at += 3
        while not self.text.startswith(quote * 3, self.at):
            self.at += 2 if self._peek() == "\\" and quote == '"' else 1
        self.at += 3
        while self._peek() == quote:  # up to two quotes may stand before the closing three
            self.at += 1
        return ""

    def _escape(self) -> str:
        letter = self.text[self.at + 1]
        if letter not in "uU":
            self.at += 2
            return _ESCAPES.get(letter, letter)
        digits = 4 if letter == "u" else 8
        code = self.text[self.at + 2 : self.at + 2 + digits]
        self.at += 2 + digits
        return chr(int(code, 16))

    def _blank(self, also: str = "") -> bool:
        """Skip blanks, newlines and comments; whether anything is left."""
        while self.at < len(self.text):
            character = self._peek()
            if character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif character in " \t\n" or character in also:
                self.at += 1
            else:
                return True
        return False

    def _spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _line(self) -> int:
        return bisect_right(self._newlines, self.at - 1) + 1
