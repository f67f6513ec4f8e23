"""Where the program of a service may find a ``.env``."""

from console.core.launch import Launch
from console.core.pid_file import Detached, PidFile
from console.core.service import Service, ServiceRef, State
from console.core.work_folders import work_folders


def by_pid_file(path: str, directory: str = "/", running: str | None = None) -> tuple[str, ...]:
    detached = Detached(PidFile("hand", path, directory=directory))
    ref = ServiceRef("web1", "pidfile", "hand")
    return work_folders(
        Service(ref, State.RUNNING, "alive", detached=detached, launch=Launch(("x",), running) if running else None)
    )


def test_of_a_pid_file_where_it_is_started_and_where_that_lies() -> None:
    assert by_pid_file("/srv/hand/hand.pid") == ("/srv/hand",)
    assert by_pid_file("/run/hand.pid", "/srv/hand/", "/srv/now") == ("/srv/hand", "/srv/now")
    assert by_pid_file("/run/hand.pid", running="/") == ()
    assert by_pid_file("/tmp/hand.pid") == by_pid_file("/var/run/x/hand.pid") == ()
    assert by_pid_file("/srv/a\nb/hand.pid") == ()


def test_a_unit_names_its_own() -> None:
    ref = ServiceRef("web1", "systemd", "api.service")
    assert work_folders(Service(ref, State.RUNNING, "active/running", launch=Launch(("x",), "/srv/api"))) == ()
