"""Which words of a log line are the program's own: what a client sent is logged too, and may look like a failure."""

import re

_DEPTH = 4
"""Quotes within quotes that are looked into."""
_KEY = re.compile(r"([\w.@-]+)[\"']?\s*([=:]?)\s*[\[{(]*\Z")
_ADJACENT = re.compile(r"([\w.@-]+)=['\[{(]*\Z")
_QUOTE = re.compile(r"\\.|\"", re.DOTALL)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"", re.DOTALL)

_MESSAGE = re.compile(
    r"msg|(?:short|full)?message|text(?:payload)?|log|event|what|err(?:or)?s?|err(?:or)?(?:msg|message)|errno|code"
    r"|reason|cause(?:dby)?|details?|exc(?:eption|info)?|panic|fatal|stack|(?:stack)?trace|output|stderr|stdout"
    r"|status|result|failed"
)
"""Fields of structured logs in which a program says what went wrong."""
_CLIENT = re.compile(
    r"ua|(?:http)?(?:user)?agent|path|uri|url|req(?:uest)?(?:uri)?|referr?er|user(?:name)?|login|email|q|query(?:string)?"
    r"|body|payload|headers?|cookies?|form|params|args|data|input|name|host(?:name)?|method|remote|client|subject"
    r"|title|comment|content|search|term|value"
)
"""Fields that hold what somebody sent."""
_HEADER = re.compile(
    r"(?:\bx-[\w-]+|\b(?:http_?)?user[_-]?agent|\bagent|\bua|\breferr?er|\bcookie|\bauthorization"
    r"|\bheader(?: \S+)?)\s*[:=]\s*[^\s\"']",
    re.IGNORECASE,
)
"""A header of a request that is not in quotes: nothing tells where it ends."""


def is_own(text: str, place: int) -> bool:
    """Whether the program itself says what stands at ``place`` of its line: no quoted client, and no field for one."""
    return _is_own(text[:place], _DEPTH)


def _is_own(before: str, depth: int) -> bool:
    if depth == 0:
        return False
    if '"' in before and '"' not in before.replace('\\"', ""):
        # The whole line is within quotes of another log.
        before = before.replace('\\"', '"')
    quote = _open_quote(before)
    if quote is None:
        return _is_plain(before)
    outside, inside = before[:quote], before[quote + 1 :]
    return _is_message(outside) and _is_own(inside.replace('\\"', '"').replace("\\\\", "\\"), depth - 1)


def _open_quote(text: str) -> int | None:
    """Where the quote begins that is still open at the end."""
    found: int | None = None
    for match in _QUOTE.finditer(text):
        if match.group() == '"':
            found = match.start() if found is None else None
    return found


def _is_message(outside: str) -> bool:
    """Whether a quote that follows is a message: by the name of its field, or the word before it."""
    key = _KEY.search(outside[-80:])
    if key is None:
        # A quoted line, or what is added to a sentence; what follows other quotes is a field of an access log.
        return '"' not in outside and (not outside.strip() or outside.rstrip()[-1] in "[{(,")
    name = _plain(key[1])
    if _MESSAGE.fullmatch(name):
        return True
    # ``failed to start: "..."`` is a sentence, ``"start": "..."`` and ``start="..."`` are fields.
    sentence = key[2] == ":" and not outside.rstrip(": \t[{(").endswith(("'", '"'))
    return sentence and _CLIENT.fullmatch(name) is None and _HEADER.search(outside + "x") is None


def _is_plain(before: str) -> bool:
    """Whether words outside of quotes are the program's own."""
    bare = _QUOTED.sub('""', before)
    key = _ADJACENT.search(bare[-80:])
    if key is not None and not _MESSAGE.fullmatch(_plain(key[1])):
        return False
    return _HEADER.search(bare + "x") is None


def _plain(key: str) -> str:
    """The last part of the name of a field, however it is written."""
    return re.sub(r"[\W_]", "", key.rpartition(".")[2]).lower()
