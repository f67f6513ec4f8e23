"""``hostdeck completions``: what a shell needs to complete this command line."""

from argparse import ArgumentParser, Namespace

from console.cli.subcommand import Subcommand

SHELLS = ("bash", "zsh", "tcsh")

_ALIASES = """awk 'tolower($1) == "host" { for (i = 2; i <= NF; i++) if ($i !~ /[*?!]/) print $i }' """
_FILE = "~/.ssh/config 2>/dev/null"

PREAMBLE = {
    "bash": f"""
_hostdeck_hosts() {{
  compgen -W "localhost $({_ALIASES}{_FILE})" -- "$1"
}}
""",
    "zsh": f"""
_hostdeck_hosts() {{
  local -a hosts
  hosts=(localhost ${{(f)"$({_ALIASES}{_FILE})"}})
  compadd -a hosts
}}
""",
}


def arguments(parser: ArgumentParser) -> None:
    """``bash | zsh | tcsh``."""
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: Namespace) -> int:
    """Print the completions of a shell."""
    import shtab

    from console.cli.parser import command_parser

    print(shtab.complete(command_parser(), shell=arguments.shell, preamble=PREAMBLE.get(arguments.shell, "")))
    return 0


COMMANDS = (
    Subcommand(
        "completions",
        "print completions for a shell",
        run,
        arguments,
        ("hostdeck completions bash > ~/.local/share/bash-completion/completions/hostdeck",),
    ),
)
