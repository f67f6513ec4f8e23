"""What is said of a connection on which nothing comes any more."""

import pytest

from console.remote.ssh_config import SshTarget
from console.remote.ssh_explain import silent

TARGET = SshTarget("web1", "10.0.0.1", 22, "root")
LET_IN = "10.0.0.1:22 let root in and then said nothing for 8 s"


@pytest.mark.parametrize(
    ("answered", "speaks", "code", "said"),
    [
        (True, None, "lost", "no sign of life for 8 s: the host or the network is gone, or its sshd hangs"),
        (False, False, "lost", "no sign of life for 8 s: the host or the network is gone, or its sshd hangs"),
        (False, True, "login-hangs", f"{LET_IN}, while its sshd answers: the login hangs there"),
        (False, None, "lost", f"{LET_IN}: the login hangs there (PAM, systemd-logind or dbus), or the host or the"),
    ],
)
def test_no_more_is_said_than_is_known(answered: bool, speaks: bool | None, code: str, said: str) -> None:
    error = silent(TARGET, 8.0, answered=answered, speaks=speaks)
    assert (error.code, str(error)[: len(said)]) == (code, said)
    assert error.retry
