#!/bin/sh
# SPDX-License-Identifier: MIT
# The console on a terminal: typing, completion, history, several lines, what
# happens meanwhile, Ctrl-C, Ctrl-D.
. tests/lib.sh
work=$(mktemp -d)
program=$(cd "$1/bin" && pwd)/infinitomata
. tests/console/lib_screen.sh
trap 'close_screens; rm -rf "$work"' EXIT

cp tests/console/turnstile.lua "$work"
console() { # console SCREEN [OPTION...]
    screen_name=$1
    shift
    open_screen "$screen_name" "cd $work && $program console --bind 127.0.0.1:0 $*"
}

console c --name c1
ok_if "the prompt comes, with a word of greeting" shows c "infinitomata"
ok_if "and waits" waits_at c ">"

enter c '1 + 1'
ok_if "an expression prints its value" shows_line c "2"
enter c '= "a", nil, { 1, x = { true } }'
ok_if "so does one behind an equals sign" shows_line c "a       nil     { 1, x = { true } }"

enter c 'for i = 1, 2 do'
ok_if "an incomplete chunk asks for more" waits_at c ">>"
enter c 'print("line " .. i)'
enter c 'end'
ok_if "several lines are one chunk" shows_line c "line 2"

typed c 'string.form'
press c Tab
ok_if "TAB completes a field" waits_at c "> string.format"
enter c '("%05d", 42)'
ok_if "and the line goes on" shows_line c "00042"

enter c '_PROMPT = "fsm> "'
ok_if "_PROMPT is the prompt" waits_at c "fsm>"
enter c '_PROMPT = nil'

enter c 'infinitomata.start_fsm("gate-1", "turnstile", {})'
enter c 'infinitomata.start_fsm("gate-2", "turnstile", {})'
enter c 'branch:count()'
ok_if "FSMs are started" shows_line c "2"
typed c 'infinitomata.transition("ga'
press c Tab
ok_if "TAB completes what all names begin with" waits_at c '> infinitomata.transition("gate-'
press c Tab
ok_if "and then lists them" shows_line c "gate-1  gate-2"
ok_if "below which the line stays" waits_at c '> infinitomata.transition("gate-'
typed c '1", "co'
press c Tab
ok_if "TAB completes the FSM's events" \
    waits_at c '> infinitomata.transition("gate-1", "coin_in"'
enter c ', 3)'
ok_if "print in a handler is seen" shows_line c "a coin of 3"
enter c '.draw gate-1'
ok_if "the diagram marks the state" shows c "║ ▶ opened ║"
enter c '.members'
ok_if "the members are listed" shows c "this node"
enter c '.fmss'
ok_if "a mistyped command is recognised" shows c "did you mean .fsms?"

# While half a line is typed, the loop runs and tells things above it.
enter c 'infinitomata.transition("gate-1", "walk_in"); require("finitomata.task").spawn(function()
  finitomata.sleep(300) infinitomata.transition("gate-1", "coin_in", 7) end)'
typed c 'local half = "typed'
ok_if "an asynchronous line appears" shows_line c "a coin of 7"
ok_if "above the prompt, and what is typed stays" waits_at c '> local half = "typed'
enter c ' and done" print(half)'
ok_if "and can be gone on with" shows_line c "typed and done"

enter c 'require("finitomata.task").spawn(function() finitomata.sleep(300)
  io.stdout:write("written ") io.write("in pieces\n") io.stderr:write("and a complaint\n") end)'
typed c 'half'
ok_if "what is written in pieces appears as a line" shows_line c "written in pieces"
ok_if "so does what is complained" shows_line c "and a complaint"
ok_if "and what is typed stays there too" waits_at c "> half"
drop c

typed c 'print("né'
press c Left
typed c 'et'
press c End
enter c '")'
ok_if "the cursor moves over characters, not bytes" shows_line c "neté"

# A key that comes before the line is read would be lost with it (the terminal
# does that): each evaluation says that it has begun.
enter c 'print "first" while true do pcall(error) end'
ok_if "an endless loop begins" shows_line c "first"
press c C-c
ok_if "Ctrl-C stops an endless loop" shows_times c "interrupted!" 1
enter c 'print "second" finitomata.sleep(1e6)'
ok_if "a wait begins" shows_line c "second"
press c C-c
ok_if "and a wait" shows_times c "interrupted!" 2
enter c 'coroutine.wrap(function() print "third" while true do end end)()'
ok_if "a coroutine begins" shows_line c "third"
press c C-c
ok_if "and a coroutine" shows_times c "interrupted!" 3
cat >"$work/spinner.lua" <<'LUA'
local finitomata = require "finitomata"
local function forever() while true do pcall(error) end end
-- No coroutine of the console's: a module's own, in a handler that never ends.
return finitomata.define {
  fsm = "a --> |spin| b\na --> |go| c\nb --> |go| c",
  on_transition = { a = { spin = function()
    print "fourth"
    coroutine.wrap(forever)()
  end } },
}
LUA
enter c 'infinitomata.start_fsm("spinner", "spinner")'
enter c 'infinitomata.call("spinner", "spin")'
ok_if "a handler runs away" shows_line c "fourth"
press c C-c
ok_if "and it, which keeps the node from hearing, after a while" \
    shows_line c "error: spinner: error in on_transition: interrupted!"
ok_if "as what waits for it" waits_at c ">"
enter c 'infinitomata.state("spinner", "state")'
ok_if "its FSM goes on" shows_line c "a"
enter c 'coroutine.yield()'
ok_if "there is nobody to yield to" shows c "attempt to yield from outside a coroutine"
typed c 'no such line'
ok_if "a line is typed" waits_at c "> no such line"
ok_if "Ctrl-C drops the line" drop c
enter c 'f('
ok_if "a chunk begins" waits_at c ">>"
ok_if "Ctrl-C drops the chunk" drop c
enter c 'error("oops")'
ok_if "an error says what and where" shows_line c "console:1: oops"
press c Up
press c Up
ok_if "the arrow keys bring lines back" waits_at c "> f("
ok_if "and Ctrl-C drops them" drop c
typed c 'form'
press c C-r
ok_if "Ctrl-R looks for a part of a line" waits_at c '> string.format("%05d", 42)'
drop c
press c Escape
ok_if "a lone Escape does not stop the loop" waits_at c ">"

# A second node, and attaching from another terminal.
address=$("$program" attach c1 -e 'return node.self().address')
console d --name d1 --join "$address"
ok_if "a member that joins is told above the prompt" shows c "-- d1 has joined"
enter d 'infinitomata.state("gate-2", "state")'
ok_if "the other node asks for an FSM here" shows_line d "closed"
typed c 'half'
press d C-d
ok_if "Ctrl-D leaves" shows_line d "ended with 0"
ok_if "a member that leaves is told" shows c "-- d1 has left"
ok_if "and what is typed stays" waits_at c "> half"
drop c

# What is pasted, what is long, what is not ASCII.
on_screens set-buffer 'function pasted(n)
  local sum = 0
  for i = 1, n do sum = sum + i end
  return "pasted " .. sum
end
pasted(4)
'
on_screens paste-buffer -t "=c:"
ok_if "several lines may be pasted" shows_line c "pasted 10"
long=$(printf 'x%.0s' $(seq 300))
typed c "#'$long'"
ok_if "a line may be longer than the screen is wide" waits_at c "xxxx'"
press c Home
typed c '1000 + '
press c Enter
ok_if "and be edited at its beginning" shows_line c "1300"
typed c '#"日本語 ünï"'
ok_if "wide characters are shown" waits_at c '> #"日本語 ünï"'
press c BSpace BSpace BSpace BSpace BSpace BSpace
typed c '"'
press c Enter
ok_if "and taken away one by one" shows_line c "6"
enter c 'help(infinitomata.start_fsm)'
ok_if "help says what a function is for" shows c "Starts an FSM under"

typed c "half = '$(printf 'y%.0s' $(seq 70))'"
ok_if "a line is typed over half" waits_at c "> half = 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'"
on_screens resize-window -t "=c:" -x 60 -y 20
ok_if "it is shown anew when the window becomes narrower" waits_at c "yyyyyyyyyyyyyyyyyyyy'"
press c Enter
enter c '#half'
ok_if "and is still whole" shows_line c "70"
enter c 'string.rep("x", 70) == "x"'
ok_if "it goes on after the window has another size" shows_line c "false"

open_screen s "PS1='shell: ' bash --norc --noprofile -i"
enter s "$program console --bind 127.0.0.1:0 --name s1"
ok_if "a shell starts it" waits_at s ">"
typed s 'local half = "typed'
ok_if "half a line is typed" waits_at s '> local half = "typed'
press s C-z
ok_if "Ctrl-Z stops it" shows s "Stopped"
enter s fg
ok_if "it goes on with the line" waits_at s '> local half = "typed'
enter s ' after all" print(half)'
ok_if "and with its keys" shows_line s "typed after all"

console t --name t1
ok_if "another one runs" waits_at t ">"
typed t 'half a line'
ok_if "half a line is typed there" waits_at t "> half a line"
kill "$(pgrep -f "$program console .*--name t1$")"
ok_if "SIGTERM ends it, below what is typed" shows_line t "ended with 0"

enter c '.quit'
ok_if ".quit leaves" shows_line c "ended with 0"
ok_if "the socket is gone" test ! -e "$work/run/infinitomata/c1.sock"
ok_if "the history is the user's alone" \
    test "$(stat -c %a "$work/state/infinitomata/history")" = 600
console e --name e1
ok_if "it starts again" waits_at e ">"
press e Up
ok_if "with the lines typed before" waits_at e "> .quit"
drop e
enter e '.watch gate-9'
ok_if "an FSM that is not there is named" shows e "gate-9"

on_screens set-environment -g TERM dumb
console f --name f1
ok_if "a terminal that cannot move its cursor has a prompt" waits_at f ">"
enter f '40 + 2'
ok_if "and plain lines" shows_line f "42"
done_testing
