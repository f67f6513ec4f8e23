"""Which processes are left alone whatever they hold."""

import pytest

from console.core.keepers import forwards, is_in_container, is_keeper, is_way_in


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sshd", True),
        ("sshd-session", True),
        ("dropbear", True),
        ("ssh.service", True),
        ("ssh.socket", True),
        ("sshd@1-10.0.0.1:22-10.0.0.2:5555.service", True),
        ("tailscaled", True),
        ("wg-quick@wg0.service", True),
        ("openvpn-client@home.service", True),
        ("openvpn", True),
        ("ssh", False),
        ("sshd.py", False),
        ("sshguard.service", False),
        ("", False),
        (None, False),
    ],
)
def test_the_way_in(name: str | None, found: bool) -> None:
    assert is_way_in(name) is found


def test_a_client_carries_connections() -> None:
    assert [forwards(name) for name in ("ssh", "autossh", "sshd", None)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("cgroup", "found"),
    [
        ("/system.slice/docker-0123456789ab.scope", True),
        ("/docker/0123456789abcdef", True),
        ("/kubepods.slice/kubepods-burstable.slice/x", True),
        ("/kubepods/besteffort/pod1", True),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-0123456789ab.scope", True),
        ("/machine.slice/machine-web.scope", True),
        ("/lxc.payload.web/x", True),
        ("/system.slice/docker.service", False),
        ("/user.slice/user-1000.slice/session-3.scope", False),
        ("/", False),
        (None, False),
    ],
)
def test_a_container_by_its_control_group(cgroup: str | None, found: bool) -> None:
    assert is_in_container(cgroup) is found


def test_what_starts_again_what_it_runs() -> None:
    assert all(
        is_keeper(name) for name in ("supervisord", "PM2 v6.0.14: God", "runsv", "containerd-shim", "s6-supervise")
    )
    assert not any(is_keeper(name) for name in ("bash", "systemd", "python3", "supervise-me", None))
