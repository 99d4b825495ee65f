#!/bin/sh
# SPDX-License-Identifier: MIT
# figures.sh BUILD: measures membership in the simulated world again, writes
# results.tsv beside itself and draws docs/membership.svg. Takes minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rm -f "$here/results.tsv"
FIGURES=$here/results.tsv "$1/tests/sim/test_membership_figures"
lua5.4 "$here/plot.lua" "$here/results.tsv" >"$here/../../docs/membership.svg"
