"""The lab from the command line: `python -m tests.lab image|up|down|list`."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from types import FrameType

from . import cases, fleet
from .image import base_image
from .lab import Lab
from .packages import LabError, say, why_not
from .record import existing, sweep


def main(arguments: list[str] | None = None) -> int:
    """Run one lab command."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Real Debian hosts on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("image", help="build the base image, unless it is there, and print its path")
    up = commands.add_parser("up", help="boot a fleet to play with; Ctrl-C ends it")
    up.add_argument("--cases", metavar="N,N", help="port cases, a host each, instead of the fleet; `list` names them")
    down = commands.add_parser("down", help="remove what dead labs have left behind")
    down.add_argument("--all", action="store_true", help="end running labs as well")
    commands.add_parser("list", help="show the labs of this machine, and the port cases there are")
    chosen = parser.parse_args(arguments)
    reason = why_not()
    if reason is not None:
        say(reason)
        return 2
    try:
        return _COMMANDS[chosen.command](chosen)
    except LabError as error:
        say(str(error))
        return 1


def _image(_: argparse.Namespace) -> int:
    print(base_image())
    return 0


def _up(chosen: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's `&` leaves SIGINT ignored
        signal.signal(number, _interrupt)
    began = time.monotonic()
    try:
        with Lab() as lab:
            wanted = [number.strip() for number in chosen.cases.split(",")] if chosen.cases else []
            if unknown := [number for number in wanted if number not in cases.CASES]:
                raise LabError(f"no such case: {', '.join(unknown)}; there are {', '.join(cases.CASES)}")
            notes = fleet.up_cases(lab, wanted) if wanted else fleet.up(lab)
            say(f"ready after {time.monotonic() - began:.1f} s; Ctrl-C ends it")
            print(fleet.instructions(lab, notes), flush=True)
            print(fleet.case_instructions(lab, wanted), flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        say("the lab is removed")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)  # tidying is not interrupted
    raise KeyboardInterrupt


def _down(chosen: argparse.Namespace) -> int:
    removed = sweep(everything=chosen.all)
    for number, left in removed.items():
        say(f"lab {number}: " + (f"could not remove {', '.join(left)}" if left else "removed"))
    if not removed:
        say("nothing to remove")
    return 1 if any(removed.values()) else 0


def _list(_: argparse.Namespace) -> int:
    for record in existing():
        owner = record.running("owner")
        state = f"owned by process {owner[0]}" if owner else "left over: its owner has gone"
        print(f"lab {record.number}: {state}, {len(record.running('process'))} processes")
    for number, case in cases.CASES.items():
        print(f"case {number:8} {case.title}{' (Docker)' if case.docker else ''}")
    return 0


_COMMANDS = {"image": _image, "up": _up, "down": _down, "list": _list}

if __name__ == "__main__":
    sys.exit(main())
