"""Asking a person on the terminal without standing still: the connection is kept alive meanwhile."""

import asyncio
import sys


async def yes(question: str) -> bool:
    """Ask; only ``y`` or ``yes`` is one. The end of the input is a no."""
    print(f"{question} [y/N] ", end="", flush=True)
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()
    stdin = sys.stdin.fileno()
    loop.add_reader(stdin, answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(stdin)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip().lower() in {"y", "yes"}
