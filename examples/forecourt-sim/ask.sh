#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One car, one question, from a shell. Ends with 0 if the engine speed was read and nothing in the car was changed.
set -euo pipefail

out=$(mktemp)
trap 'kill "$simulator" 2>/dev/null || true; rm -f "$out"' EXIT

forecourt-sim --scenario clean --tcp 127.0.0.1:0 >"$out" &
simulator=$!
until [[ -s $out ]]; do sleep 0.05; done   # its first line: the address and the truth, as JSON

port=$(sed -n '1s/.*"tcp:127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$out")
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf '010C\r' >&3
IFS= read -r -t 10 -d '>' answer <&3
exec 3>&-
printf '%s\n' "${answer//$'\r'/$'\n'}"

kill "$simulator"                          # SIGTERM: it says what was asked of the car, and ends
wait "$simulator"
tail -n 1 "$out"
grep -q '41 0C' <<<"$answer" && grep -q '"writes": 0' <(tail -n 1 "$out")
