"""The process that tidies a lab when its owner has gone: `python -m tests.lab.reaper NUMBER TOKEN`.

Its standard input is a pipe that the owner holds open. When the pipe ends, the owner has closed the lab
or has died; what is still recorded then is removed.
"""

from __future__ import annotations

import signal
import sys

from .record import Record


def main() -> int:
    """Wait for the end of the owner, then tidy."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    record = Record(int(sys.argv[1]), sys.argv[2])
    sys.stdin.buffer.read()
    left = record.tidy()
    if left:
        print(f"lab {record.number}: could not remove {', '.join(left)}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
