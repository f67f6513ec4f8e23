"""What ends a log that is followed, as constant POSIX sh, for every manager whose tool goes on when nobody reads."""

END_WITH_INPUT = r"""
# Nothing tells the tool that nobody reads any more; the end of our input does. We are a session of our own. sudo passes
# no signal on that comes from its own group: where it can be, who sends it is of another one.
exec 3<&0
if command -v setsid >/dev/null 2>&1 && [ -r "/proc/$$/stat" ]; then
  hd_group=$(sed 's/.*) . [0-9]* \([0-9]*\) .*/\1/' "/proc/$$/stat")
  setsid sh -c 'cat; kill -- "-$1"' sh "$hd_group" <&3 >/dev/null 2>&1 3<&- &
else
  { cat <&3; kill 0; } >/dev/null 2>&1 &
fi
exec 3<&-
"""
"""From here on the end of standard input ends the whole session."""
