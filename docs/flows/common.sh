# What the flows share. Each needs a door and a token of a team:
#   BASE=http://127.0.0.1:8000 TOKEN=sluice_... bash docs/flows/passona.sh

set -euo pipefail
: "${BASE:?the address of the door, such as http://127.0.0.1:8000}"
: "${TOKEN:?a token of the team: sluice tokens create flows}"

# A value out of the JSON on standard input: `value data.uuid`.
value() {
  python3 -c '
import json, sys
found = json.load(sys.stdin)
for name in sys.argv[1].split(".") if sys.argv[1] else []:
    found = found[int(name) if isinstance(found, list) else name]
print(found)' "$1"
}

# The time in so many seconds, as Y-m-d H:i:s in UTC.
at() { date -u -d "@$(($(date +%s) + $1))" '+%Y-%m-%d %H:%M:%S'; }

# Asks again and again until the answer is as wanted: `until_it_says data.status 2 curl ...`.
until_it_says() {
  local path=$1 wanted=$2 said=
  shift 2
  for _ in $(seq 1 240); do
    said=$("$@" | value "$path")
    if [ "$said" = "$wanted" ]; then return; fi
    sleep 0.25
  done
  echo "$path is $said, not $wanted" >&2
  return 1
}
