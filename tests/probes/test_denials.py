"""The look at the audit log: no host here has ausearch, and what that of Debian 12 (3.0.9) printed stands for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.probes import denials
from console.probes.denials import Denials
from tests.probes.asking import HERE, SHELLS, RefusedError, Way

STARTED = """----
time->Mon Apr 17 09:17:07 2023
type=DAEMON_START msg=audit(1681723027.536:6932): op=start ver=2.8.5 format=raw kernel=3.10.0-1127.el7.x86_64 auid=4294967295 pid=4740 uid=0 ses=4294967295 subj=system_u:system_r:auditd_t:s0 res=success"""  # noqa: E501


def told(folder: Path, output: str, error: str, status: int) -> Way:
    """A shell of root in which ausearch prints that, and nothing where it is asked otherwise."""
    (folder / "id").write_text("#!/bin/sh\necho 0\n")
    (folder / "output").write_text(f"{output}\n" if output else "")
    (folder / "ausearch").write_text(
        f"#!/bin/sh\n[ \"$*\" = '-m avc -m daemon_start -ts boot' ] || exit 99\n"
        f"cat {folder / 'output'}\n[ -z '{error}' ] || echo '{error}' >&2\nexit {status}\n"
    )
    for name in ("id", "ausearch"):
        (folder / name).chmod(0o755)
    return Way(HERE.words, {"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.mark.parametrize("shell", SHELLS)
def test_the_log_is_read_since_the_start_of_auditd(tmp_path: Path, shell: str) -> None:
    assert told(tmp_path, STARTED, "", 0).ask(denials.AUDIT, shell=shell) == Denials(1681723027.0)


@pytest.mark.parametrize("shell", SHELLS)
def test_of_an_empty_log_it_is_not_known_how_far_back_it_goes(tmp_path: Path, shell: str) -> None:
    assert told(tmp_path, "", "<no matches>", 1).ask(denials.AUDIT, shell=shell) == Denials(None)


@pytest.mark.parametrize("shell", SHELLS)
def test_of_more_refusals_than_are_kept_the_newest_are(tmp_path: Path, shell: str) -> None:
    line = (
        'type=AVC msg=audit({}.454:2430): avc:  denied  {{ name_bind }} for  pid=1268 comm="nginx" src=8888 '
        "scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:port_t:s0 tclass=tcp_socket"
    )
    found = told(tmp_path, "\n".join(map(line.format, range(1452146884, 1452147004))), "", 0).ask(
        denials.AUDIT, shell=shell
    )
    assert found.since == 1452146884.0
    assert [one.at for one in found.found] == [at + 0.454 for at in range(1452146954, 1452147004)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_host_without_ausearch_is_told_to_root_as_to_others(tmp_path: Path, shell: str) -> None:
    """What is refused is then in the kernel's log, and nothing is missing that was not seen."""
    way = told(tmp_path, "", "", 0)
    (tmp_path / "ausearch").unlink()
    with pytest.raises(RefusedError, match=r"^ausearch is not on this host$"):
        way.ask(denials.AUDIT, shell=shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_log_that_cannot_be_read_is_not_read(tmp_path: Path, shell: str) -> None:
    error = "Error opening /var/log/audit/audit.log (No such file or directory)"
    with pytest.raises(RefusedError) as caught:
        told(tmp_path, "", error, 1).ask(denials.AUDIT, shell=shell)
    assert str(caught.value) == error
