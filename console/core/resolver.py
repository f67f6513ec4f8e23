"""systemd-resolved: a host may resolve its names through it, and it leaves a port where its configuration says so.

Seen with systemd 252: without its stub it writes the servers themselves to what /etc/resolv.conf points to.
"""

UNIT = "systemd-resolved.service"
_SETTINGS = {53: "DNSStubListener", 5353: "MulticastDNS", 5355: "LLMNR"}
_FOLDER = "/etc/systemd/resolved.conf.d"
WHY = "this host may resolve its names through it"


def is_resolver(unit: str | None) -> bool:
    """Whether a unit of the system is that."""
    return unit == UNIT


def leaving(port: int) -> str | None:
    """The setting with which it leaves a port; ``None`` for a port that somebody gave it besides."""
    name = _SETTINGS.get(port)
    return f"{name}=no" if name is not None else None


def commands(port: int) -> tuple[str, ...]:
    """How a person has it leave the port."""
    setting = leaving(port)
    if setting is None:
        return ("systemd-analyze cat-config systemd/resolved.conf",)
    return (
        f"mkdir -p {_FOLDER}",
        f"printf '[Resolve]\\n{setting}\\n' >{_FOLDER}/leave-{port}.conf",
        f"systemctl restart {UNIT}",
    )
