#!/bin/sh
# Runs prime-cts. Each cell is reported as a LAVA signal as soon as it has ended; output/result.txt has all of them at the
# end, one a line, for test runners that read that. The exit code is that of prime-cts.
set -eu

OUTPUT=$(pwd)/output
PROGRAM=prime-cts
BOARD_FILE=
SHARD=
FILTERS=
WATCHDOG=

usage() {
	echo "usage: $0 [-p PROGRAM] [-b BOARD_FILE] [-s I/N] [-f FILTERS] [-w WATCHDOG]" >&2
	exit 2
}

while getopts p:b:s:f:w: option; do
	case $option in
	p) PROGRAM=$OPTARG ;;
	b) BOARD_FILE=$OPTARG ;;
	s) SHARD=$OPTARG ;;
	f) FILTERS=$OPTARG ;;
	w) WATCHDOG=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || usage

mkdir -p "$OUTPUT"
# A run that the board went down in is resumed, if the disk has outlived it; one that came to its end is started again.
if [ -e "$OUTPUT/run.jsonl" ] && ! grep -q '^{"event":"end"' "$OUTPUT/run.jsonl"; then
	set -- --resume
fi
[ -z "$BOARD_FILE" ] || set -- "$@" --board "$BOARD_FILE"
[ -z "$SHARD" ] || set -- "$@" --shard "$SHARD"
[ -z "$WATCHDOG" ] || set -- "$@" --watchdog="$WATCHDOG"

code=0
# Unquoted: several words.
# shellcheck disable=SC2086
"$PROGRAM" run --lava --output "$OUTPUT" "$@" -- $FILTERS || code=$?

# In the words that the signals have: KTAP's "not ok # XFAIL" is a fault that the board file knows.
sed -n -E \
	-e 's/^ok [0-9]+ ([^ ]+) # SKIP.*/\1 skip/p;t' \
	-e 's/^ok [0-9]+ ([^ ]+).*/\1 pass/p;t' \
	-e 's/^not ok [0-9]+ ([^ ]+) # ERROR.*/\1 unknown/p;t' \
	-e 's/^not ok [0-9]+ ([^ ]+).*/\1 fail/p' \
	"$OUTPUT/run.ktap" >"$OUTPUT/result.txt"
exit $code
