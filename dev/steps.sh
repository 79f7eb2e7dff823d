# Sourced by the other scripts: one line a step with its time; what the tools say goes to a log, shown on failure.

LOG=.make/setup.log
mkdir -p .make

# step NAME COMMAND...: run it quietly; print its name and seconds, or the log's end and stop.
step() {
  local name=$1 began=${EPOCHREALTIME/[.,]/}
  shift
  echo "== $name: $*" >>"$LOG"
  if "$@" >>"$LOG" 2>&1 </dev/null; then
    printf '  \u2713 %-44s %6s s\n' "$name" "$(seconds_since "$began")"
  else
    printf '  \u2717 %-44s %6s s\n\n' "$name" "$(seconds_since "$began")"
    tail -n 25 "$LOG" | sed 's/^/    /'
    printf '\n    The whole log: %s\n' "$LOG"
    return 1
  fi
}

seconds_since() {
  local took=$((${EPOCHREALTIME/[.,]/} - $1))
  printf '%d.%d' $((took / 1000000)) $((took % 1000000 / 100000))
}
