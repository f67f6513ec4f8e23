"""What sudo grants this login without a password, by the list of its rights: sudoers(5), sudo 1.8 to 1.9.

To try what is not granted leaves a refusal in the host's log; to read the list refuses nothing.
"""

GRANTED = r"""
# USER PATTERN: whether this login may run as USER what the extended expression PATTERN matches as a whole, or anything.
# Where a rule forbids something, what is left is not worked out.
hd_granted() {
  sudo -n -l </dev/null 2>/dev/null | LC_ALL=C awk -v user="$1" -v pattern="$2" '
    /^ +\(/ {
      sub(/^ +\(/, "")
      whom = $0
      sub(/[:)].*/, "", whom)
      sub(/^[^)]*\) */, "")
      free = mine = 0
      for (n = split(whom, word, /, */); n >= 1; n--) {
        gsub(/ /, "", word[n])
        if (word[n] == user || word[n] == "ALL") mine = 1
      }
      last = split($0, rule, /, */)
      for (n = 1; n <= last; n++) {
        if (rule[n] ~ /NOPASSWD:/) free = 1
        else if (rule[n] ~ /PASSWD:/) free = 0
        sub(/^([A-Z_]+: *)+/, "", rule[n])
        if (rule[n] ~ /^!/) denied = 1
        if (mine && free && rule[n] ~ ("^(ALL|" pattern ")$")) allowed = 1
      }
    }
    END { exit !allowed || denied }'
}
"""
"""The shell function."""
