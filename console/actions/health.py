"""Whether a service is well after a change: by what the configuration asks of it, and by its container's own check."""

from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from console.actions import checks as looks
from console.actions.context import Context, RefusedError
from console.core.command import Command
from console.core.plan import Check
from console.core.text import mask, mask_words
from console.managers.acting import SelfChecking
from console.managers.base import ServiceManager
from console.probes import reach

ANSWERS_2XX = """
url=$1 seconds=$2
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
path=/${url#*://*/}
case ${url#*://} in */*) ;; *) path=/ ;; esac
if command -v curl >/dev/null 2>&1; then
  told=$(
    {
      curl -sS --max-time "$seconds" -o /dev/fd/3 -w '=%{http_code}\n' "$url" 3>&1 >&4 2>&4 |
        { head -c 2000; cat >/dev/null; } | sed -n '1s/^/body: /p'
    } 4>&1
  )
  code= why= body=
  while IFS= read -r line; do
    case $line in
      'body: '*) body=${line#body: } ;;
      =*) code=${line#=} ;;
      *) why=$line ;;
    esac
  done <<EOF
$told
EOF
  case $code in 2[0-9][0-9]) echo "$path $code"; exit 0 ;; 000) code= ;; esac
  body=$(printf '%s' "${why:-$body}" | cut -c 1-200)
  echo "$path${code:+ $code}${body:+: $body}"
  exit 1
fi
if command -v wget >/dev/null 2>&1; then
  said=$(wget -q -O /dev/null -T "$seconds" "$url" 2>&1) && echo "$path answers" && exit 0
  echo "$path does not answer well: $said"
  exit 1
fi
echo "not checked: this host has neither curl nor wget"
exit 77
"""
"""URL SECONDS: it answers 2xx; what it says instead ends with the first line of its body."""

CONNECTS = (
    "reach() {\n"
    + reach.SCRIPT
    + r"""
}
said=$(reach "$1" "$2" 2>&1)
case $? in 0) ;; 3) echo "not checked: $said"; exit 77 ;; *) echo "$said"; exit 1 ;; esac
last=$(printf '%s\n' "$said" | tail -n 1)
[ "$last" = answers ] && { echo "tcp $2 answers"; exit 0; }
echo "tcp $2 does not answer: ${last#said }"
exit 1
"""
)
"""ADDRESS PORT: a TCP connection is accepted."""

BY_PROXY = "not checked: the engine's proxy accepts for a container in which nothing listens; name a URL or a command"
"""Of a published port a connection proves nothing."""
_NOT_TOLD = """
echo "$1"
exit 77
"""


_BY_EXIT_0 = """
"$@"
code=$?
[ "$code" != 77 ] || { echo "$1 ended with 77"; exit 1; }
exit "$code"
"""
"""COMMAND...: a check of the console's own says by 77 that it cannot tell; of any other that is a failure."""


def declared(context: Context) -> tuple[Check, ...]:
    """After: the configured URL answers, or the configured command ends well; ``RefusedError`` for what is no URL."""
    asked: list[tuple[str, Command]] = []
    if (url := context.settings.health) is not None:
        try:
            asked.append(url_look(url, context.manager))
        except ValueError as error:
            raise RefusedError(f"health check of {context.name}: {error}") from None
    if context.settings.health_command:
        name, command = command_look(context.settings.health_command)
        asked.append((f"{name} says that {context.name} is well", command))
    return tuple(Check(name, look, within=context.settings.within, hold=context.settings.hold) for name, look in asked)


def checks(context: Context) -> tuple[Check, ...]:
    """After: what is declared, and what the service says of itself where it has a check of its own."""
    own = context.manager.own_health(context.service) if isinstance(context.manager, SelfChecking) else ()
    return (*declared(context), *(patient(context, check) for check in own))


def patient(context: Context, check: Check) -> Check:
    """A look of a manager's own, given what the configuration allows at least."""
    return replace(check, within=max(check.within, context.settings.within))


def url_look(url: str, manager: ServiceManager) -> tuple[str, Command]:
    """What is asked, and the look at it: exit 0 where it is well, 77 where that cannot be told, else it is not.

    Raises ``ValueError`` for what is no URL.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "tcp" and parts.hostname and parts.port:
            if isinstance(manager, SelfChecking):
                return f"tcp {parts.port} answers", looks.script(_NOT_TOLD, BY_PROXY)
            return f"tcp {parts.port} answers", looks.script(CONNECTS, parts.hostname, str(parts.port))
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https") or not parts.netloc or not url.isprintable() or " " in url:
        raise ValueError(f"{mask(url)!r} is not an http, https or tcp URL")
    return f"{parts.path or '/'} answers 2xx", looks.script(ANSWERS_2XX, url, "5")


def never_told(url: str, manager: ServiceManager) -> str | None:
    """Why a look at it tells nothing of any service of this manager, whatever it is asked; ``None`` where it does."""
    return BY_PROXY if isinstance(manager, SelfChecking) and url.lower().startswith("tcp:") else None


def command_look(words: tuple[str, ...]) -> tuple[str, Command]:
    """The same of a command: exit 0 where it says that all is well."""
    return _brief(words), Command(("sh", "-c", _BY_EXIT_0, "sh", *words), becomes=words, configured=True)


def _brief(words: tuple[str, ...], most: int = 40) -> str:
    text = " ".join(mask_words(words))
    return text if len(text) <= most else f"{text[: most - 1]}…"
