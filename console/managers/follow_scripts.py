"""What ends a log that is followed, as constant POSIX sh, for every manager whose tool goes on when nobody reads."""

END_WITH_INPUT = """
# Nothing tells the tool that nobody reads any more; the end of our input does. We are a session of our own.
exec 3<&0
{ cat <&3; kill 0; } >/dev/null 2>&1 &
exec 3<&-
"""
"""From here on the end of standard input ends the whole session."""
