"""How programs say that they cannot bind: one pattern per wording, most specific first.

Each pattern is fixed to the sentence its program prints, so that a line which only mentions the words is no hit.
Groups: ``code`` (the number or the name of the errno), ``why`` (its text), ``address``, ``port``, ``protocol``.
"""

import re
from dataclasses import dataclass
from functools import cache

EADDRINUSE, EACCES, EADDRNOTAVAIL = "EADDRINUSE", "EACCES", "EADDRNOTAVAIL"
EPERM, EAFNOSUPPORT = "EPERM", "EAFNOSUPPORT"

CODES = {"98": EADDRINUSE, "13": EACCES, "99": EADDRNOTAVAIL, "1": EPERM, "97": EAFNOSUPPORT}
"""Numbers on Linux. They stay where the text is translated."""

TEXTS = {
    "address already in use": EADDRINUSE,
    "permission denied": EACCES,
    "cannot assign requested address": EADDRNOTAVAIL,
    "can't assign requested address": EADDRNOTAVAIL,
    "address not available": EADDRNOTAVAIL,
    "operation not permitted": EPERM,
    "address family not supported by protocol": EAFNOSUPPORT,
}

HINT = (
    r"in use|already|invalid address|addrinuse|denied|permission|eacces|assign requested|addrnotavail"
    r"|not permitted|eperm|family not supported|eafnosupport"
    r"|[(\[](?:98|13|99|97)[:)\],]|\(1: |(?:errno|error|code:) (?:98|13|99|97|1)\b"
)
"""A line without any of this is no hit: the cheap test before the patterns."""

_WHY = (
    r"(?P<why>address already in use|permission denied|can(?:not|'t) assign requested address"
    r"|operation not permitted|address family not supported by protocol)"
)
_CODE = r"(?P<code>98|13|99|97|1)"
_NAME = r"(?P<code>EADDRINUSE|EACCES|EADDRNOTAVAIL|EPERM|EAFNOSUPPORT)"
_HOST = r"[0-9A-Za-z:.%*_\[\]<>-]*"
_PLACE = rf"(?P<address>{_HOST}):(?P<port>\d{{1,5}})(?!\d)"
_PAIR = r"\('(?P<address>[^']*)', (?P<port>\d+)"


@dataclass(frozen=True, slots=True)
class Wording:
    """One sentence. ``errno`` where the sentence itself says which; ``weak`` where only the lines around it can tell
    that it is about listening and not about a file or an outgoing connection.
    """

    name: str
    pattern: str
    errno: str | None = None
    weak: bool = False


@cache
def compiled(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Compile a pattern of this module when it is first needed: all of them together cost a start-up its ease."""
    return re.compile(pattern, flags)


WORDINGS: tuple[Wording, ...] = (
    Wording("go", rf"\blisten (?P<protocol>tcp|udp)[46]? {_PLACE}: (?:bind|socket): {_WHY}"),
    Wording("go without address", rf"\blisten (?P<protocol>tcp|udp)[46]?: (?:bind|socket): {_WHY}"),
    Wording("docker published", rf"\bBind for {_PLACE} failed: port is already allocated", EADDRINUSE),
    Wording(
        "docker host port",
        r"failed to bind host port (?:for )?(?P<address>\d[\d.]*|\[[^\]]*\]):(?P<port>\d+)"
        rf"(?::[^\s/]+)?(?:/(?P<protocol>tcp|udp))?: {_WHY}",
    ),
    Wording("node", rf"\blisten {_NAME}(?:: [a-z ]+?)?:? {_PLACE}"),
    # A datagram socket, or a worker of the cluster module: the lines after it tell.
    Wording("node bind", rf"\bbind {_NAME}(?:: [a-z ]+?)? {_PLACE}"),
    Wording("asyncio", rf"(?:\[Errno |OSError\(){_CODE}[\],] \"?error while attempting to bind on address {_PAIR}"),
    Wording(
        "python 3.11 create_server",
        rf"\[Errno {_CODE}\] [^\[\]()]+ \(while attempting to bind on address {_PAIR}",
    ),
    Wording("twisted", rf"Couldn't listen on {_PLACE}: \[Errno {_CODE}\]"),
    Wording("gunicorn", rf"\bConnection in use: {_PAIR}", EADDRINUSE),
    Wording("gunicorn 21", rf"\[ERROR\] connection to {_PAIR}\) failed: \[Errno {_CODE}\]"),
    Wording("gunicorn address", rf"\bInvalid address: {_PAIR}", EADDRNOTAVAIL),
    Wording("python in use", r"\[Errno (?P<code>98)\] [^:\[\]{}\"]{8,60}$"),
    Wording("python", rf"(?:Error|error): \[Errno {_CODE}\] [^:\[\]{{}}\"]{{8,60}}$", weak=True),
    Wording(
        "ruby",
        rf"{_WHY} - bind\(2\)(?: for \"?(?P<address>[^\" ]*?)\"? port (?P<port>\d+))?(?:$| \(Errno::)",
    ),
    Wording("ruby place", rf"{_WHY} - bind\(2\) for {_PLACE}(?:$| \(Errno::)"),
    Wording("unicorn", rf"adding listener failed addr={_PLACE} \(in use\)", EADDRINUSE),
    Wording("php", rf"Failed to listen on {_PLACE} \(reason: {_WHY}\)"),
    Wording(
        "php stream", rf"stream_socket_server\(\): Unable to connect to (?P<protocol>tcp|udp)://{_PLACE} \({_WHY}\)"
    ),
    Wording("php socket", rf"socket_bind\(\): unable to bind address \[{_CODE}\]"),
    Wording("php-fpm", rf"unable to bind listening socket for address '{_PLACE}': .{{1,60}} \({_CODE}\)"),
    Wording("nginx", rf"\bbind\(\) to {_PLACE} failed \({_CODE}: "),
    Wording("nginx socket", rf"\bsocket\(\) {_PLACE} failed \({_CODE}: "),
    Wording("apache", rf"\({_CODE}\)[^:()]*: (?:AH\d+: )?make_sock: could not bind to address {_PLACE}"),
    Wording("haproxy", rf"cannot bind (?:UDP )?socket \({_WHY}\) (?:for )?\[(?:\w+@)?{_PLACE}\]"),
    Wording("sshd", rf"\bBind to port (?P<port>\d+) on (?P<address>{_HOST}) failed: {_WHY}"),
    Wording("socat", rf"\bbind\(\d+, \{{(?:LEN=\d+ )?AF=\d+ {_PLACE}\}}, \d+\): {_WHY}"),
    Wording("postgres", rf"could not bind IPv[46] address \"(?P<address>[^\"]*)\": {_WHY}"),
    Wording("mongodb", rf"\bbind\(\) failed (?:errno:\d+ )?{_WHY} for socket: {_PLACE}"),
    Wording("dovecot", rf"\blisten\((?P<address>{_HOST}), (?P<port>\d+)\) failed: {_WHY}"),
    Wording(
        "dotnet",
        rf"Failed to bind to address https?://{_PLACE}(?: on the \S+ loopback interface)?: "
        r"(?:address|port) already in use",
        EADDRINUSE,
    ),
    Wording("dotnet socket", rf"SocketException \({_CODE}\): "),
    Wording("java bind failed", rf"\bfailed to bind to (?:\S+/)?{_PLACE}: {_WHY}"),
    Wording("java in use", rf"BindException: Address already in use(?:[^\n]*?{_PLACE})?", EADDRINUSE),
    Wording("java", rf"BindException: {_WHY}", weak=True),
    Wording("erlang", r"\{(?:listen_)?error, ?(?:\{[^{}]{0,80})?(?P<code>eaddrinuse|eaddrnotavail)\b"),
    Wording("elixir", r"\{:(?:listen_)?error, (?:[\w.]+, )?:(?P<code>eaddrinuse|eaddrnotavail)\}"),
    Wording(
        "ranch",
        r"ranch_(?:tcp|ssl):listen\(.*?\{port,\s*(?P<port>\d+)\}.*\bfor reason "
        r"(?P<code>eaddrinuse|eacces|eaddrnotavail)\b",
    ),
    Wording("ranch listener", r"\{listen_error,[^{}]{1,80}, ?(?P<code>eaddrinuse|eaddrnotavail)\}"),
    Wording("erlang reason", r"\bfor reason (?P<code>eaddrinuse|eacces|eaddrnotavail) \("),
    Wording("erlang access", r"\{error, ?(?P<code>eacces)\}", weak=True),
    Wording(
        "phoenix",
        r"Running \S+ with \S+(?: [\d.]+)? (?:on|at) (?:(?:https?://)?(?P<address>[^\s:]+):|port )(?P<port>\d+)"
        r"(?: \(\w+\))? failed, port already in use",
        EADDRINUSE,
    ),
    Wording("rust place", rf"\b(?:bind|listen)\w*(?: to| on)?:? {_PLACE}[^\n]{{0,40}}?: {_WHY}"),
    Wording("rust in use", r"address already in use \(os error 98\)", EADDRINUSE),
    Wording("rust in use, debug", r"Os \{ code: (?P<code>98), kind: AddrInUse\b"),
    Wording("rust", rf"{_WHY} \(os error {_CODE}\)", weak=True),
    Wording("rust, debug", rf"Os \{{ code: {_CODE}, kind: (?:PermissionDenied|AddrNotAvailable)\b", weak=True),
    Wording(
        "port in use", r"^\W{0,4}(?:\w*Error: )?port (?P<port>\d+) (?:is|was) already in use\b(?!.*\btry)", EADDRINUSE
    ),
    Wording("spring, deep", r"\bPortInUseException: Port (?P<port>\d+) is already in use", EADDRINUSE),
    Wording("spring", r"Web server failed to start\. Port (?P<port>\d+) was already in use", EADDRINUSE),
    Wording("flask", r"^Port (?P<port>\d+) is in use by another program", EADDRINUSE),
    Wording("django", r"^Error: That port is already in use", EADDRINUSE),
    Wording("django access", r"^Error: You don't have permission to access that port", EACCES),
    Wording("supervisord", r"^Error: Another program is already listening on a port that one of our", EADDRINUSE),
    Wording("bun", r"Failed to start server\. Is port (?P<port>\d+) in use\?", EADDRINUSE),
    Wording("rmi", r"\bPort already in use: (?P<port>\d+)\b.*BindException", EADDRINUSE),
)

GENERIC = (
    r"(?:\bbind(?:ing)?\b(?! (?:param|mount|variable))|\blisten(?:ing|er)?\b|\bget socket\b)"
    rf"(?P<between>[^\n]{{0,120}}?)[:(\[] ?(?:(?<=error: )\d\d: )?{_WHY}(?P<after>[^\n]{{0,60}})"
)
"""The C way: what was tried, then ``strerror``: redis, lighttpd, dnsmasq, postfix, varnish, Envoy, systemd sockets."""

BARE = rf"^(?:[\w./-]+(?:\[\d+\])?: |\d+: |Error: ){{0,3}}{_WHY}\.?$"
"""Nothing but the text of the errno, perhaps after the program's name."""

SOCKET_FILE = r"(?:^|[\s'\"(:=])/\w|\bunix:"
"""A path where an address would stand: another fault."""

PLACE = rf"(?<![\w./:\[]){_PLACE}(?![\w/])"
HASH_PLACE = r"(?P<address>[0-9A-Fa-f.:]+)#(?P<port>\d{1,5})\b"
PORT = r"\bport:?(?: is)? '?(?P<port>\d{1,5})\b"

LENDERS = (
    rf"another instance of uWSGI is running on the same address \({_PLACE}\)",
    rf"\bIOException: Failed to bind to (?:[\w.:-]*/)?{_PLACE}",
    r"Is another postmaster already running on port (?P<port>\d+)\?",
    r"Do you already have another server running on port: (?P<port>\d+)",
    r"Opening ipv[46] listen socket on port (?P<port>\d+)",
    r"Server socket created on IP: '(?P<address>[^']*)', port: '(?P<port>\d+)'",
    r"Connector\[\"?(?:https?|ajp)[\w./-]*?-(?P<port>\d+)\"?\]",
    r"^Port (?P<port>\d+) is in use by another program",
)
"""Lines beside a failure that name the address or the port which the failure itself leaves out."""

CONTEXT = r"\b(?:server_)?bind0?\b|\blisten\b|\bcreate_server\b|bind_sockets|start_server"
"""What makes a weak line one about listening, when it stands near."""

PASSING = (
    r"\b(?:level|lvl|severity)[\"']?\s*[:=]\s*[\"']?(?:info|debug|trace|notice)\b"
    r"|(?:^|[\s\[(])(?:INFO|DEBUG|TRACE)(?=[\s\]):])"
    r"|\b(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) /"
    r"|\b(?i:invalid|unknown|illegal) user\b|\b(?i:login|password|authentication) fail"
    r"|\b(?i:failed (?:login|password))\b"
)
"""Before a hit: the program itself says that this is no failure, or it is a request somebody made."""

OUTGOING = r"\b(?:dial(?:ing)?|connect(?:ing|ion)?)\b|->"
"""Before a hit: an outgoing connection, not a service that wants to listen."""
