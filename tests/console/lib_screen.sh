# SPDX-License-Identifier: MIT
# lib_screen.sh: a program on a terminal of its own, typed to and looked at. Set
# `work` to a folder and `program` to the program first; call close_screens at
# the end. Nothing here waits for a time: it waits until the screen shows a text.

LC_ALL=C.UTF-8
XDG_STATE_HOME=$work/state
XDG_RUNTIME_DIR=$work/run
TERM=xterm-256color
export LC_ALL XDG_STATE_HOME XDG_RUNTIME_DIR TERM
mkdir -m 700 -p "$work/state" "$work/run"

on_screens() { tmux -u -S "$work/screens" -f /dev/null "$@"; }
close_screens() { on_screens kill-server 2>/dev/null; }

# open_screen NAME COMMAND: 100 columns; the shell says how the command ended.
open_screen() {
    on_screens new-session -d -s "$1" -x 100 -y 50 \
        "$2; echo \"ended with \$?\"; cat"
}
# Targets are exact: "c" alone would find a window that runs cat.
# The screen as a person sees it, without empty lines at the end.
look() { on_screens capture-pane -p -S -200 -t "=$1:" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }
last_line() { look "$1" | tail -n 1; }
typed() { on_screens send-keys -t "=$1:" -l "$2"; }
press() {
    screen=$1
    shift
    on_screens send-keys -t "=$screen:" "$@"
}
enter() { typed "$1" "$2" && press "$1" Enter; }

# The cursor stands where a line begins: what was typed has been taken.
at_first_column() { [ "$(on_screens display-message -p -t "=$1:" '#{cursor_x}')" = 0 ]; }

show_screen() {
    look "$1"
    return 1
}
has() { look "$1" | grep -qF -- "$2"; }
ends_in() { [ "$(last_line "$1")" = "$2" ]; }
has_line() { look "$1" | grep -qxF -- "$2"; }
has_times() { [ "$(look "$1" | grep -cxF -- "$2")" -eq "$3" ]; }

# shows SCREEN TEXT: sooner or later TEXT is somewhere.
shows() { wait_for 10 has "$1" "$2" || show_screen "$1"; }
# shows_line SCREEN LINE: sooner or later a line is exactly LINE.
shows_line() { wait_for 10 has_line "$1" "$2" || show_screen "$1"; }
# shows_times SCREEN LINE COUNT
shows_times() { wait_for 10 has_times "$1" "$2" "$3" || show_screen "$1"; }
# waits_at SCREEN LINE: sooner or later the last line is exactly LINE.
waits_at() { wait_for 10 ends_in "$1" "$2" || show_screen "$1"; }

# drop SCREEN: Ctrl-C for a line that is typed. Keys that came at once after it
# might still belong to that line.
drop() { press "$1" C-c && waits_at "$1" ">"; }
