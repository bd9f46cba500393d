#!/bin/sh
# Run a unit test. cmocka's TAP says "not ok" of a case that it skips, which
# the TAP protocol calls a failure: say "ok N # SKIP" as the protocol wants.
# A fuzz target is replayed on its corpus.
case $1 in
*fuzz/*) set -- "$1" "$top_srcdir/tests/corpus/${1##*/}" ;;
esac
# tests/cross names an emulator; its words are meant to be split.
# shellcheck disable=SC2086
output=$(${POSTERN_EMULATOR-} "$@")
status=$?
skipped=$(printf '%s\n' "$output" | grep -c '^not ok .*# SKIP')
failed=$(printf '%s\n' "$output" | grep '^not ok ' | grep -vc '# SKIP')
printf '%s\n' "$output" | sed 's/^not ok \(.*# SKIP\)/ok \1/'
# Skipped cases alone are no failure; a crash is.
[ "$skipped" -eq 0 ] || [ "$failed" -gt 0 ] || [ "$status" -gt 125 ] || exit 0
exit "$status"
