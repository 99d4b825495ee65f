#!/bin/sh
# SPDX-License-Identifier: MIT
# compdb.sh COMMAND FILE...: compile_commands.json on standard output, where
# every file is compiled with COMMAND.
set -eu
command=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
shift
separator='['
for file in "$@"; do
    printf '%s\n{ "directory": "%s", "file": "%s",\n  "command": "%s -c %s" }' \
        "$separator" "$PWD" "$file" "$command" "$file"
    separator=','
done
printf '\n]\n'
