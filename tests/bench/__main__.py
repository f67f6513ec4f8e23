"""``python -m tests.bench [P1 P3 ...]``: every measurement of this package, each beside its peer in the same run."""

import sys
import traceback

from tests.bench import busy, cut_links, log_view, many_hosts, screen_bytes, start, verdict, wire

BENCHES = {
    "P1": (start,),
    "P2": (verdict,),
    "P3": (wire, busy),
    "P4": (wire, busy),
    "P5": (wire, busy),
    "P11": (wire,),
    "BUSY": (busy,),
    "P6": (many_hosts,),
    "P12": (many_hosts,),
    "P7": (screen_bytes,),
    "P8": (log_view,),
    "P9": (log_view,),
    "CUT": (cut_links,),
}


def main(names: list[str]) -> int:
    """Run what was named, or all; a measurement that cannot be made here says why and fails the run."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no measurement {', '.join(unknown)}: there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    failed = False
    for bench in dict.fromkeys(bench for name in (names or BENCHES) for bench in BENCHES[name]):
        try:
            for line in bench.run():
                print(line, flush=True)
        except Exception:
            traceback.print_exc()
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
