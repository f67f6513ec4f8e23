"""Entry of ``hostdeck`` and ``python -m console``."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from console.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
