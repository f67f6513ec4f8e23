"""What forbids a service to bind, beside the port being taken: its unit's sandbox, and what the host enforces.

systemd.resource-control(5) and systemd.exec(5); ``/sys/fs/selinux`` and ``/sys/module/apparmor`` where the kernel has
those. Without a unit only the host is told of.
"""

from dataclasses import dataclass

from console.core.probe import ParseError, Probe

SCRIPT = r"""
if [ -n "${1-}" ]; then
  systemctl show -p SocketBindDeny -p SocketBindAllow -p RestrictAddressFamilies -p CapabilityBoundingSet \
    -p AmbientCapabilities -p AppArmorProfile -p SELinuxContext -p PrivateNetwork -- "$1" || return 1
fi
hd_selinux=off
if [ -r /sys/fs/selinux/enforce ]; then
  hd_selinux=permissive
  [ "$(cat /sys/fs/selinux/enforce)" != 1 ] || hd_selinux=enforcing
fi
echo "host-selinux=$hd_selinux"
hd_apparmor=off
[ ! -r /sys/module/apparmor/parameters/enabled ] || case $(cat /sys/module/apparmor/parameters/enabled) in
  Y*) hd_apparmor=on ;;
esac
echo "host-apparmor=$hd_apparmor"
if [ ! -e /proc/net/if_inet6 ] || [ "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)" = 1 ]; then
  echo host-ipv6=off
else
  echo host-ipv6=on
fi
"""

_FAMILY_RULES = {"ipv4": "ip", "ipv6": "ip6"}


@dataclass(frozen=True, slots=True)
class Confinement:
    """``None`` is "not told", e.g. by an older systemd."""

    bind_deny: tuple[str, ...] = ()
    """As ``systemctl show`` prints them: ``tcp8090-8095``, ``ipv4:udp5000``, ``any``."""
    bind_allow: tuple[str, ...] = ()
    families: tuple[str, ...] | None = None
    """``AF_INET`` ...: the only ones that sockets may have, or, with ``families_denied``, those that they may not."""
    families_denied: bool = False
    capabilities: frozenset[str] | None = None
    """The bounding set: what no process of the unit can have more than."""
    ambient: frozenset[str] = frozenset()
    private_network: bool = False
    apparmor_profile: str | None = None
    selinux: str = "off"
    """``enforcing``, ``permissive`` or ``off``."""
    apparmor: bool = False
    ipv6: bool = True


def parse(text: str) -> Confinement:
    """Read the answer of ``SCRIPT``."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals:
            raise ParseError("NAME=VALUE", line)
        found.setdefault(name, []).append(value.strip())
    if "host-selinux" not in found:
        raise ParseError("host-selinux=", text)
    families = _first(found, "RestrictAddressFamilies")
    # "~" alone: none are denied.
    restricted = families not in (None, "", "~")
    capabilities = _first(found, "CapabilityBoundingSet")
    return Confinement(
        bind_deny=_words(found, "SocketBindDeny"),
        bind_allow=_words(found, "SocketBindAllow"),
        families=tuple((families or "").removeprefix("~").split()) if restricted else None,
        families_denied=(families or "").startswith("~"),
        capabilities=frozenset(capabilities.lower().split()) if capabilities is not None else None,
        ambient=frozenset((_first(found, "AmbientCapabilities") or "").lower().split()),
        private_network=_first(found, "PrivateNetwork") == "yes",
        apparmor_profile=(_first(found, "AppArmorProfile") or "").removeprefix("-") or None,
        selinux=found["host-selinux"][0],
        apparmor=_first(found, "host-apparmor") == "on",
        ipv6=_first(found, "host-ipv6") != "off",
    )


def _first(found: dict[str, list[str]], name: str) -> str | None:
    return found[name][0] if name in found else None


def _words(found: dict[str, list[str]], name: str) -> tuple[str, ...]:
    return tuple(word for value in found.get(name, []) for word in value.split())


def rule_covers(rule: str, protocol: str, port: int, family: str) -> bool | None:
    """Whether a rule of SocketBindDeny= or SocketBindAllow= is about a socket; ``None`` where it cannot be read.

    ``family`` is ``ip`` or ``ip6``.
    """
    rest = rule
    for word, meant in _FAMILY_RULES.items():
        if rest == word or rest.startswith(f"{word}:"):
            if meant != family:
                return False
            rest = rest[len(word) :].removeprefix(":")
    for word in ("tcp", "udp"):
        if rest.startswith(word):
            if word != protocol:
                return False
            rest = rest[len(word) :].removeprefix(":")
    if rest in ("", "any"):
        return True
    low, _, high = rest.partition("-")
    if not low.isdecimal() or not (high or low).isdecimal() or len(rest) > 11:
        return None
    return int(low) <= port <= int(high or low)


PROBE = Probe(
    name="confinement", script=SCRIPT, parse=parse, slow=True, cached=False,
    shown="(what may forbid a bind: of systemctl show $@, SELinux, AppArmor, IPv6)",
)  # fmt: skip
