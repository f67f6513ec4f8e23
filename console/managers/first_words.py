"""The first of the arguments of a script, which are the words of a tool, as constant POSIX sh."""

FIRST_WORDS = r"""
# COUNT FUNCTION WORDS...: FUNCTION with the first COUNT of the words.
first_words() {
  hd_first=$1 hd_call=$2
  shift 2
  hd_all=$# hd_at=0
  for hd_word; do
    hd_at=$((hd_at + 1))
    [ "$hd_at" -gt "$hd_first" ] || set -- "$@" "$hd_word"
  done
  shift "$hd_all"
  "$hd_call" "$@"
}
"""
