"""The one place where a remote string becomes safe to show: decoding, sanitising, cutting, masking of secrets.

Control sequences as in ECMA-48 (5.3 to 5.6): what a terminal would obey is removed or made visible, because a log line
can otherwise write to the clipboard, clear the screen or hide text.
"""

import re
import shlex

from console.core.token_shapes import HINTS, SHAPES

MARK = "\ufffd"
"""Stands for a character that must not reach the terminal."""

HIDDEN = "********"
"""Stands for a secret."""

_PLAIN = bytes(range(0x20, 0x7F)) + b"\n\t"

# Everything that is never shown as it is: C0 but \n and \t, DEL, C1, and what changes or hides text without being seen
# (soft hyphen, bidi controls, zero-width characters, line and paragraph separators, tags), besides lone surrogates.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_unsafe = re.compile(f"[{_UNSAFE}]")

# One pass from left to right, each alternative possessive: linear, and nothing that is left can form a new sequence.
# A string (OSC, DCS, APC, PM, SOS) without its end is not swallowed: that would let one line hide all that follow.
_control = re.compile(
    r"(?P<sequence>"
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x18\x1a\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)"  # strings with their end
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"  # CSI
    r"|\x1b[ -/]*+[0-OQ-WYZ\\`-~]"  # ESC with its final byte; not the introducers of the strings and of CSI
    r"|\r(?=\n|\Z)"  # the line ends of other systems
    r")"
    f"|[{_UNSAFE}]"
)


def decode(data: bytes) -> str:
    """Bytes of a host as text: UTF-8, every undecodable byte as a replacement character. Not yet safe to show."""
    return data.decode("utf-8", "replace")


def sanitise(text: str) -> str:
    """Remove terminal control sequences and show every other control or invisible character as ``MARK``.

    Newlines and tabs stay. The result never holds a character that a terminal obeys, and is its own sanitised form.
    """
    if text.isascii():
        if not text.encode("ascii").translate(None, _PLAIN):
            return text
    elif text.isprintable() or _unsafe.search(text) is None:
        return text
    return _control.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    return "" if match["sequence"] is not None else MARK


def cut(text: str, limit: int) -> str:
    """Keep the first ``limit`` characters and say how many bytes of UTF-8 are missing."""
    if len(text) <= limit:
        return text
    missing = len(text[limit:].encode("utf-8", "replace"))
    return f"{text[:limit]}… [{missing} bytes cut]"


_KEYS = (
    # The tag of a sudoers line is no name of a secret, and what follows it is what a person must read.
    r"(?:(?<!\bno)pass(?:word|wd|phrase|code)|(?<=[_-])pass|(?<![a-z])pass(?=\\?[\"']?\s{0,4}=|\\?[\"']\s{0,4}:)|(?<![a-z])pwd|secret|token(?!s)|credentials?|cookie|jwt|dsn"
    r"|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|signing[-_]?key|encryption[-_]?key|auth[-_]?key)"
)
_NAME = rf"(?P<name>{_KEYS}[\w.-]{{0,40}}"

# What stands in quotes, up to their end; inside a JSON string they are escaped. A shell has '"'"' for one of its own.
_INSIDE = r"""(?:(?<=\\")(?:\\\\.|(?!\\").)*+|(?<=[^\\]")(?:[^"\\\n]|\\.)*+|(?<=')[^'\n]*+(?:'"'"'[^'\n]*+)*+)"""
# NAME="VALUE", NAME: 'VALUE', "NAME": "VALUE".
_quoted = re.compile(
    rf"""{_NAME}\\?["']?\s{{0,4}}[=:]\s{{0,4}}(?P<open>\\?"|')){_INSIDE}""",
    re.IGNORECASE,
)
# "--NAME", "VALUE": two words of a list.
_listed = re.compile(
    rf"""(?P<name>(?<=["'])--?[\w-]{{0,40}}?{_KEYS}[\w-]{{0,40}}\\?["'],\s{{0,4}}\\?["'])(?!-){_INSIDE}""",
    re.IGNORECASE,
)
_number = re.compile(rf"""{_NAME}\\?["']\s{{0,4}}:\s{{0,4}})[^\s"'\\,}}\]]+""", re.IGNORECASE)
# A quote in the midst of a word is of the value: behind the last one of a text no letter follows.
_bare = re.compile(
    rf"""{_NAME}\s{{0,4}}[=:]\s{{0,4}}(?:(?:bearer|basic)\s{{1,4}})?)(?:[^\s"'&\\]|\\(?!")|\\?["'](?=\w))++""",
    re.IGNORECASE,
)
# The next word of a command line, which may be quoted in parts.
_flag = re.compile(
    rf"""(?P<name>(?<![^\s"'])--?[\w-]{{0,40}}?{_KEYS}[\w-]{{0,40}}\s{{1,4}})(?!-)"""
    r"""(?:\\"(?:\\\\.|(?!\\").)*+\\"|(?:"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|\\.|[^\s"'\\]|["'\\](?=\w))++)""",
    re.IGNORECASE,
)
_scheme = re.compile(
    r"""(?P<name>\bauthorization\\?["']?\s{0,4}[=:]\s{0,4}\\?["']?(?:[\w-]{1,20}\s{1,4})?)[^\s"'\\,]+""",
    re.IGNORECASE,
)
# All pairs of a Cookie header, each of which may be the one that lets in; of Set-Cookie also what is said of its one.
_PAIR = r"""(?:[^\s"'\\;]|(?<==)"[^"\n]{0,200}+"(?=[;\s]|\Z))++"""
_cookie = re.compile(
    rf"""(?P<name>\bcookie\\?["']?\s{{0,4}}:\s{{0,4}}){_PAIR}(?:;[ \t]{{0,4}}{_PAIR})*+;?""", re.IGNORECASE
)
_bearer = re.compile(r"(?P<name>\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
# A password with a slash in it ends at the next "@"; a number and a slash after the colon are a port and a path.
_userinfo = re.compile(
    r"(?P<name>://[^\s/:@?#\[]*:)(?:[^\s/]+|(?!\d{1,5}[/?#])[^\s@]{1,200}+(?:@[^\s/@]{0,100}+(?=@)){0,4}+)(?=@)"
)
# A long name of a user with figures in it, and no password: a token.
_token_user = re.compile(r"(?P<name>://)(?=[^\s\d@]{0,200}\d)[\w.~+-]{20,200}+(?=@)")
# Whoever has such an address may post there.
_webhook = re.compile(
    r"(?P<name>(?:://|@)(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/"
    r"|(?:[\w-]{1,60}\.)?discord(?:app)?\.com/api/(?:v\d{1,3}/)?webhooks/"
    r"|[\w-]{1,60}\.webhook\.office\.com/|outlook\.office(?:365)?\.com/webhook/"
    r"|hooks\.zapier\.com/hooks/|api\.telegram\.org/(?:file/)?bot"
    r"|[\w.:-]{1,200}+/(?:[\w-]{1,60}/){0,4}(?:web)?hooks?/(?=[\w-]{16})))[^\s\"'<>\\]++",
    re.IGNORECASE,
)
# What signs an address, or opens it: of Azure, AWS, Google and those who do alike.
_signed = re.compile(
    r"(?P<name>(?:[?&;]|\\u0026|%26)(?:x-(?:amz|goog)-signature|signature|sig|hmac)="
    r"|(?:[?&]|\\u0026)(?:code|key)=(?=[\w%+/=.-]{20})|\bsig=(?=[\w%+/-]{20}))[^\s&\"'<>\\]++",
    re.IGNORECASE,
)
_curl = re.compile(
    r"""(?P<name>(?<!\S)(?:-[a-z]{0,8}u|--(?:proxy-)?user)[\s=]{0,4}["']?[^\s:"']{1,200}+:)[^\s"']+""", re.IGNORECASE
)
# Short options of clients that take a password, some of them only in the same word.
_BETWEEN = r"(?:\s{1,4}|,\s{0,4})"
_ARGUMENT = r"""(?:'[^'\n]{0,200}+'|\\?"[^"\n]{0,200}+"|[^\s"'\\|;&]{1,200}+)"""
_PROGRAMS = (
    (r"(?:mysql|mariadb)(?:-?[a-z]{1,20})?", "p", ""),
    (r"mongo(?:sh|dump|restore|export|import|stat|top|files)?|cqlsh|rabbitmqadmin", "p", "?"),
    (r"(?:docker|podman|buildah|skopeo|nerdctl|helm|oras|crane|oc|az)\b[^\n|;&]{0,100}?\blogin", "p", "?"),
    (r"(?:redis|valkey|keydb)-(?:cli|benchmark)", "a", "?"),
    (r"ldap(?:search|modify|add|delete|whoami|compare|passwd|modrdn|exop)", "w", "?"),
    (r"sqlcmd|bcp|ipmitool|mosquitto_(?:pub|sub|rr)", "P", "?"),
    (r"curl", "b", "?"),
    (r"sshpass", "p", "?"),
)
"""A program, the letter of its option, and ``?`` where the password may be the next word."""


def _client(program: str, letter: str, next_word: str) -> re.Pattern[str]:
    """Words of a command line, or of a list of words: there each is in quotes, and a comma behind it."""
    option = rf"""(?P<open>\\?["'])?-{letter}"""
    if next_word:
        option += rf"""(?:(?(open)\\?["']{_BETWEEN}\\?["']|(?:\s{{1,4}}|=)))?"""
    return re.compile(
        rf"""(?P<name>(?<![\w.-])(?:{program})\\?["']?(?:{_BETWEEN}(?!\\?["']?-{letter}){_ARGUMENT}){{0,20}}+{_BETWEEN}"""
        rf"""{option})(?(open)[^"'\n\\]+|(?:'[^'\n]*+'|"[^"\n]*+"|[^\s"'\\])++)"""
    )


_CLIENTS = tuple(_client(*each) for each in _PROGRAMS)
# The name of an environment variable and a word after it that no sentence goes on with.
_variable = re.compile(
    r"(?P<name>\b[A-Z][A-Z0-9]{0,40}_(?:[A-Z0-9]{1,40}_){0,6}(?:SECRET|PASSWORD|PASSWD|PASS|PWD|TOKEN|KEY)[ \t]{1,4})"
    r"(?!(?:is|was|are|has|had|not|must|may|can|cannot|should|will|and|or|from|in|for|to|of|on|at|with|by|as|if|it|the"
    r"|set|unset|missing|empty|needs?|required|environment|env|variables?|found|expired|changed|invalid)\b)"
    r"[^\s=:,;.\"'][^\s\"',;]*"
)
# A line of a key's body whose first line is not in sight. A hash in hexadecimal has letters of one case only.
_body = re.compile(
    r"^(?P<name>[ \t]{0,8})(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{60,76}={0,2}(?=[ \t]*$)", re.MULTILINE
)
_shapes = re.compile(SHAPES)
_block = re.compile(
    r"(?P<name>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----)(?:(?!-----END |\\?\").)*+",
    re.DOTALL,
)

_end = re.compile(r"-----END ")
_open = re.compile(r'-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----END |").)*+\Z', re.DOTALL)
KEY_LINES = 200
"""Lines after its first that a private key may have: RSA of 8192 bits has 100. A key without an end hides no more."""
SHORTEST_BODY = 60

# Each rule with substrings without one of which it cannot match: looking for them is ten times cheaper than the rule.
_SIGNS = ("secret", "pass", "pwd", "token", "_key")
_BY_NAME = ("pass", "pwd", "secret", "token", "credential", "cookie", "jwt", "dsn", "key")
_CLIENT_SIGNS = (
    ("mysql", "mariadb"),
    ("mongo", "cqlsh", "rabbitmqadmin"),
    (" login", '"login"'),
    ("redis-", "valkey-", "keydb-"),
    ("ldap",),
    ("sqlcmd", "bcp", "ipmitool", "mosquitto_"),
    ("curl",),
    ("sshpass",),
)
_RULES = (
    (_block, ("private key-----",)),
    (_userinfo, ("://",)),
    (_token_user, ("://",)),
    (_webhook, ("hook", "telegram")),
    (_signed, ("sig", "hmac=", "code=", "key=")),
    (_scheme, ("authorization",)),
    (_cookie, ("cookie",)),
    (_quoted, _BY_NAME),
    (_listed, _BY_NAME),
    (_number, _BY_NAME),
    (_bare, _BY_NAME),
    (_flag, _BY_NAME),
    (_bearer, ("bearer",)),
    (_curl, ("curl",)),
    *zip(_CLIENTS, _CLIENT_SIGNS, strict=True),
    (_variable, _SIGNS),
)


def mask(text: str) -> str:
    """Replace what looks like a secret by ``HIDDEN``: for logs, argument vectors, errors and the audit trail.

    By name (``password=``, ``"token":``, ``--secret VALUE``, ``Authorization:``), by place (``://user:HERE@``, the path
    of a webhook, ``?sig=HERE``, ``mysql -pHERE``) and by shape (AWS keys, JWT, private key blocks, the prefixes of
    well-known tokens). Rather too much than too little. A secret without name, place or shape is not recognised.
    """
    lower = text.lower()
    for rule, hints in _RULES:
        for hint in hints:
            if hint in lower:
                text = rule.sub(rf"\g<name>{HIDDEN}", text)
                break
    if len(text) >= SHORTEST_BODY:
        text = _body.sub(rf"\g<name>{HIDDEN}", text)
    return _shapes.sub(HIDDEN, text) if any(hint in lower for hint in HINTS) else text


_assignment = re.compile(rf"\A(?P<name>-{{0,2}}[\w.-]{{0,60}}?{_KEYS}[\w.-]{{0,40}}=).+", re.IGNORECASE | re.DOTALL)
_QUOTES = {"'": "\x01", '"': "\x02", "\\": "\x03"}
_unquoted = str.maketrans(_QUOTES)
_quoted_again = str.maketrans({mark: quote for quote, mark in _QUOTES.items()})


def mask_words(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same of an argument vector: its words are told apart, and a secret may stand behind the one that names it.

    What a word has of quotes is of its value, and no end of it.
    """
    words = tuple(mask(_assignment.sub(rf"\g<name>{HIDDEN}", word)) for word in argv)
    try:
        shown = shlex.split(mask(shlex.join(word.translate(_unquoted) for word in words)))
    except ValueError:
        return words
    return tuple(word.translate(_quoted_again) for word in shown)


class Masker:
    """Masks one stream of lines: beside what ``mask`` sees in each, private keys that span many of them."""

    def __init__(self) -> None:
        self._left = 0
        """Lines that may still be of the key that has begun; 0 outside of one."""

    def mask(self, line: str) -> str:
        """Replace what looks like a secret in the next line of the stream."""
        before = ""
        if self._left:
            end = _end.search(line)
            if end is None:
                self._left -= 1
                return HIDDEN
            before, line = HIDDEN, line[end.start() :]
        self._left = KEY_LINES if _open.search(line) else 0
        return before + mask(line)


# Of a variable the whole name is known: words that in a sentence mean anything are names of secrets here.
_secret_name = re.compile(
    r"pass(?:word|wd|phrase|code)|secret|token(?!s)|credential|cookie|jwt|dsn|hmac|api[-_.]?key"
    r"|(?:access|private|signing|encryption|auth|master|license|account)[-_.]?key"
    r"|(?<!by)(?<!com)pass(?![a-z])|(?<![a-z])(?:pwd|pw|keys?|pin|auth|salt|seed|psk|otp|creds?)(?![a-z])",
    re.IGNORECASE,
)
_OPEN_NAMES = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK", "CREDENTIALS_DIRECTORY", "INVOCATION_ID"})
"""They sound like secrets, or look like one, and are none."""
_place_name = re.compile(r"[-_.](?:file|path|dir|directory|sock|socket)\Z", re.IGNORECASE)
_digest_name = re.compile(
    r"(?<![a-z])(?:sha\d*|md5|digest|commit|rev|revision|version|checksum|image|tag)(?![a-z])", re.IGNORECASE
)
# What nobody chose by hand: hexadecimal of 128 bits and more, or both cases and digits without a word's end.
_random = re.compile(
    r"(?<![\w+=-])(?:(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{32,}"
    r"|(?=[A-Z0-9+=]*[a-z])(?=[a-z0-9+=]*[A-Z])(?=[A-Za-z+=]*[0-9])[A-Za-z0-9+=]{20,})(?![\w+=-])"
)
_random_value = re.compile(
    r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])(?!/)(?:[A-Za-z0-9_-]{32,}|[A-Za-z0-9+/]{28,}={0,2})"
)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name is taken for a secret, whatever its value is."""
    if name in _OPEN_NAMES:
        return False
    return _secret_name.search(name) is not None or HIDDEN in mask(f"{name}=x")


def mask_variable(name: str, value: str) -> str:
    """The value of a variable as it may be shown: nothing of it under the name of a secret, else without secrets.

    More is hidden than in a sentence: what looks random counts as a secret too, unless the name says digest or version.
    """
    place = value.startswith("/") and _place_name.search(name) is not None
    if value and not place and is_secret_name(name):
        return HIDDEN
    if name in _OPEN_NAMES:
        return value if name == "INVOCATION_ID" else mask(value)
    shown = mask(value)
    if _digest_name.search(name) is not None:
        return shown
    return HIDDEN if _random_value.fullmatch(shown) else _random.sub(HIDDEN, shown)
