#!/bin/sh
# SPDX-License-Identifier: MIT
# figures.sh BUILD: measures membership in the simulated world again, writes
# results.tsv beside itself and draws docs/membership.svg and
# docs/membership-load.svg. Takes ten minutes and 1 GB of memory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
docs=$here/../../docs
results=$here/results.tsv
rm -f "$results"
FIGURES=$results "$1/tests/sim/test_membership_figures"
FIGURES=$results "$1/tests/sim/test_membership_crowd"
lua5.4 "$here/plot.lua" "$results" >"$docs/membership.svg"
lua5.4 "$here/plot_load.lua" "$results" >"$docs/membership-load.svg"
