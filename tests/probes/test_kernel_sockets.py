"""Where not every process may be looked at, no socket is the kernel's for having none."""

import os
import socket

from console.probes.kernel_sockets import PROBE

from .asking import Way

SHORT_OF = ("setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "sh", "-c")
"""Root of a container, as Docker makes it: what runs with other rights keeps its descriptors to itself."""


def test_root_without_the_right_to_look_has_not_seen_all() -> None:
    with socket.socket() as open_one:
        inode = os.fstat(open_one.fileno()).st_ino
        words = SHORT_OF if os.geteuid() == 0 else ("sh", "-c")
        seen = Way(words).ask(PROBE, "8080", str(inode))
    assert (seen.held, seen.whole) == (frozenset(), False)
