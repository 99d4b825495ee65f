---@meta infinitomata.core
-- SPDX-License-Identifier: MIT

--- The C module. Two modules of Lua require it: finitomata/clock.lua for the
--- loop and its timers, infinitomata/cluster.lua for the node. One loop for each
--- Lua state, shared with luv; nothing here blocks but `step` and `serve`.
---@class infinitomata.core
---@field version string
local core = {}

-- ---- time and the loop -------------------------------------------------------

---Milliseconds of a clock that never goes back; read now, not when the turn began.
---@return integer ms
function core.now() end

---@return integer ns
function core.hrtime() end

---Milliseconds since 1970.
---@return integer ms
function core.wall() end

---Calls `fn(arg)` once from the loop; with 0 ms in its next turn.
---@param ms integer
---@param fn fun(arg: any)
---@param arg any
---@return integer id
function core.timer_start(ms, fn, arg) end

---@param id integer
---@return boolean stopped false when it has fired or was stopped before
function core.timer_stop(id) end

---Lets a timer go off `ms` from now instead.
---@param id integer
---@param ms integer
---@return boolean restarted false when it has fired or was stopped
function core.timer_restart(id, ms) end

---How many timers wait.
---@return integer
function core.timer_count() end

---`fn()` is called once in a turn of the loop in which request_turn was called; when
---it returns true it wants another turn at once.
---@param fn? fun(): boolean?
function core.on_turn(fn) end

function core.request_turn() end

---Gets the text, with a traceback, of every error raised by a function that the
---loop called. Without one it goes to standard error.
---@param fn? fun(message: string)
function core.on_error(fn) end

---One turn of the loop. Raises inside a callback of the loop.
---@param mode? "once"|"nowait" "once" sleeps until something happens
---@return boolean alive false when nothing can happen any more
function core.step(mode) end

---Turns of the loop until `quit`, or until nothing can happen any more.
---@return boolean alive
function core.serve() end

---Ends the `serve` or `step` that is running after this turn.
function core.quit() end

---True inside a callback of the loop.
---@return boolean
function core.in_loop() end

---Calls `fn()` whenever the signal comes. Does not keep the loop alive.
---@param name "SIGHUP"|"SIGINT"|"SIGQUIT"|"SIGUSR1"|"SIGUSR2"|"SIGTERM"|"SIGCHLD"|
---  "SIGWINCH"|"SIGCONT"
---@param fn fun()
---@return infinitomata.core.Signal
function core.signal(name, fn) end

---@class infinitomata.core.Signal
local Signal = {}

function Signal:stop() end

---Once `co` has run for `ms` since this call, `fn(late_ms)` is called at every
---instruction inside it, or inside the coroutine that it has come to run, and may
---raise; until then nothing is. `late_ms`: for so long code in C could not be
---interrupted. One coroutine at a time.
---@param co thread
---@param ms integer
---@param fn fun(late_ms: integer)
---@return boolean watched false where the system cannot do it
function core.watch(co, ms, fn) end

---Whatever is watched is watched no more.
function core.unwatch() end

-- ---- values --------------------------------------------------------------------

---A value as MessagePack: nil, booleans, numbers, strings and tables of these.
---@param value any
---@param root? string what the path begins with, default "payload"
---@return string? bytes
---@return string? path to what cannot be packed: "payload.items[3].callback"
---@return string? why "a function", "a cycle", "nested too deep", ...
function core.pack(value, root) end

---@param bytes string
---@return true? ok
---@return any value or, without `ok`, what is wrong with the bytes
function core.unpack(bytes) end

---Whether `copy` would succeed.
---@param value any
---@return boolean
function core.plain(value) end

---A deep copy of what `pack` takes.
---@param value any
---@param root? string
---@return any copy
---@return string? path
---@return string? why
function core.copy(value, root) end

---A plain transition as one function; lua/finitomata/transition.lua says which
---are, and takes over where one turns out not to be.
---@param parts {catch: function, handler: function?, on_exit: function?, state: string,
---  targets: table<string, table>, sole: table?, odd: function, move: function,
---  announce: function, late: function, mask: integer, number: integer, share: boolean,
---  listened: boolean, timed: boolean, settles: boolean}
---@return fun(fsm: table, event: string, event_payload: any, payload: any, try: table): any, any
function core.edge(parts) end

---A ready queue, which also takes plain events to their FSMs.
---@param context finitomata.Instance[] slot 1 is set to the FSM whose event is handled
---@param hooks table<"on_event"|"settle"|"compile"|"catch", function> for what is not plain
---@return finitomata.Ready
function core.ready(context, hooks) end

-- ---- the node ------------------------------------------------------------------

---`fn(waiter, ...)` is called when something that was given a waiter ends.
---@param fn? fun(waiter: any, ...: any)
function core.on_wake(fn) end

---@class infinitomata.core.NodeOptions
---@field name string
---@field bind? string "HOST:PORT", default "127.0.0.1:7946"; port 0: any
---@field advertise? string
---@field rpc? string|integer "HOST:PORT", or a port of bind's host; default any
---@field key? string|string[] base 64 of 16, 24 or 32 bytes; the first one seals
---@field profile? "lan"|"wan"|"local"
---@field membership? table<string, integer|boolean> constants that differ from the profile's
---@field label? string
---@field tags? table<string, string>
---@field seed? integer
---@field branches? string[] that run here from the start
---@field on_event fun(kind: "member"|"rows"|"lost"|"user"|"log", ...: any)
---@field on_request fun(token: integer, branch: string, op: string, name: string, ...: any)

---Starts the state's node.
---@param options infinitomata.core.NodeOptions
---@return infinitomata.core.Node? node
---@return string? code "address_in_use", "bad_address", "bad_name", ...
---@return string? message
function core.node_start(options) end

---@class infinitomata.core.Member
---@field name string
---@field state "alive"|"suspect"|"dead"|"left"
---@field incarnation integer
---@field address string
---@field boot integer
---@field tags table<string, string>
---@field rpc? string
---@field health? integer of this node: 0 (well) to 7
---@field path? infinitomata.Path of all others

---@class infinitomata.core.Row
---@field implementation string
---@field ref string
---@field node string

---A method that needs the running node returns nil, "closed" and a sentence after
---close.
---@class infinitomata.core.Node
local Node = {}

---@return infinitomata.core.Member
function Node:self() end

---Wakes the waiter with the number that answered; when it is 0, with the first
---failure's text and code too.
---@param waiter any
---@param addresses string[]
---@return true?, string? code, string? message
function Node:join(waiter, addresses) end

---Says goodbye; wakes the waiter with true once enough members know.
---@param waiter any
---@return true?, string? code, string? message
function Node:leave(waiter) end

---Stops at once; whoever waits is woken, and this waiter once all is closed.
---@param waiter? any
---@return boolean ends false: it has been closed already
function Node:close(waiter) end

---@return infinitomata.core.Member[]
function Node:members() end

---@param key string
---@param value? string nil: removed
---@return true?, string? code, string? message
function Node:set_tag(key, value) end

---@param name string
---@param payload? string
---@return true?, string? code, string? message
function Node:user_event(name, payload) end

---The fingerprints of the node's keys, the one that seals first.
---@return string[]
function Node:keys() end

---The steps of a rotation, with a key in base 64.
---@param key string
---@return true?, string? code, string? message
function Node:add_key(key) end

---@param key string
---@return true?, string? code, string? message
function Node:use_key(key) end

---@param key string
---@return true?, string? code, string? message
function Node:remove_key(key) end

---These keys and no others; the first one seals.
---@param keys string[]
---@return true?, string? code, string? message
function Node:set_keys(keys) end

---This node runs the branch from now on.
---@param branch string
---@return true?, string? code, string? message
function Node:branch(branch) end

---@param branch string
---@return true?, string? code, string? message
function Node:unbranch(branch) end

---The live members that run the branch, sorted.
---@param branch string
---@return string[]
function Node:nodes(branch) end

---@param branch string
---@param name string
---@param implementation string
---@return string? ref
---@return string? code "already_started", "bad_name", "overloaded", ...
---@return string? owner or the code's sentence
---@return string? owner_ref
function Node:claim(branch, name, implementation) end

---@param branch string
---@param name string
---@param ref string
---@return boolean
function Node:release(branch, name, ref) end

---@param branch string
---@param name string
---@return string? owner
---@return string? ref
---@return string? implementation
function Node:whereis(branch, name) end

---@param branch string
---@return table<string, infinitomata.core.Row>
function Node:rows(branch) end

---@param branch string
---@return integer
function Node:count(branch) end

---@param branch string
---@return string? name
function Node:random(branch) end

---A row learnt from an answer before the registry brought it.
---@param branch string
---@param name string
---@param ref string
---@param implementation string
---@param owner string
---@return true?, string? code, string? message
function Node:hint(branch, name, ref, implementation, owner) end

---The member that a new FSM of that name belongs to.
---@param branch string
---@param name string
---@return string? member, string? code, string? message
function Node:place(branch, name) end

---True when the view of who runs the branch has settled.
---@param branch string
---@return boolean
function Node:ready(branch) end

---A number for the set of live members that run the branch.
---@param branch string
---@return integer
function Node:view(branch) end

---Bytes that the node has read and written for membership and the registry.
---@return { streams_in: integer, streams_out: integer, datagrams_in: integer,
---  datagrams_out: integer }
function Node:traffic() end

---Whether on_event is called with "rows"; at first it is.
---@param wanted boolean
---@return true
function Node:want_rows(wanted) end

---Who runs the name, or who decides whether it may start.
---@param branch string
---@param name string
---@return "here"|"there"|"taken"|nil where
---@return string home or the owner, or the code: "not_ready", "no_such_fsm"
---@return integer|string view, or the owner's ref, or a sentence
function Node:start_gate(branch, name) end

---Which claim stands when two nodes claim one name.
---@param branch string
---@param which "first"|"last"
---@return true?, string? code, string? message
function Node:resolve(branch, which) end

---The answer to a "contest" event about these two FSMs.
---@param branch string
---@param name string
---@param last string ref of the last writer
---@param older string ref of the other
---@param which "last"|"older"
---@return boolean asked false: nobody asks that any more
function Node:verdict(branch, name, last, older, which) end

---True when our FSM has to go after a "lost" event; false when the winner is gone again.
---@param branch string
---@param name string
---@param ref string of ours
---@param winner string its ref
---@return boolean
function Node:yields(branch, name, ref, winner) end

---Wakes the waiter with true, the branch's rows agreeing with those of the named
---members (nil: all), or with false and the names that kept silent.
---@param waiter any
---@param branch string
---@param names? string[]
---@return true?, string? code, string? message
function Node:synch(waiter, branch, names) end

---Asks the owner of `name`; wakes the waiter with true and what was answered, or
---with false, a code and a table of attempts, elapsed_ms, node and cause.
---@param waiter any
---@param policy infinitomata.Policy not changed any more once it was given
---@param branch string
---@param op string
---@param name string
---@param ... any without the nils at their end
---@return true? sent
---@return string? code "not_serializable", then path and why; else a sentence
---@return string? path
---@return string? why
function Node:call(waiter, policy, branch, op, name, ...) end

---The same, of the member called `peer`.
---@param waiter any
---@param policy infinitomata.Policy
---@param peer string
---@param branch string
---@param op string
---@param name string
---@param ... any
---@return true? sent
---@return string? code
---@return string? path
---@return string? why
function Node:call_node(waiter, policy, peer, branch, op, name, ...) end

---Answers a request, once.
---@param token integer
---@param ... any without the nils at their end
---@return boolean answered
function Node:reply(token, ...) end

---Says that nothing was carried out: the caller looks for the owner again, or tries
---again later.
---@param token integer
---@param code "no_such_fsm"|"overloaded"|"not_ready"
---@return boolean answered
function Node:refuse(token, code) end

-- ---- the constants of membership --------------------------------------------------

---The first thing that is wrong with the values: the name and what it is; without a
---text, there is no setting of that name.
---@param values table
---@param profile? "lan"|"wan"|"local"
---@return string? name "": they contradict each other
---@return string? text
function core.membership_fault(values, profile) end

---@param profile? "lan"|"wan"|"local"
---@return { name: string, about: string, range: string, value: integer|boolean }[]
function core.membership_settings(profile) end

-- ---- rings ---------------------------------------------------------------------

---A consistent hash ring without nodes. Rings agree when their seeds do.
---@param seed? integer
---@return infinitomata.core.Ring
function core.ring_new(seed) end

---@class infinitomata.core.Ring
local Ring = {}

---Adds a node, or changes its weight: its number of points.
---@param name string
---@param weight? integer default 128; 0: known, but owns nothing
---@return true?, string? code, string? message
function Ring:add(name, weight) end

---@param name string
---@return boolean removed
function Ring:remove(name) end

---@return string[] sorted
function Ring:nodes() end

---@param name string
---@return integer? weight
function Ring:weight(name) end

---Up to `count` different nodes in the order in which they would own the key.
---@param key string
---@param count? integer default 1
---@return string[]
function Ring:lookup(key, count) end

---A number for the nodes, their weights and the seed.
---@return integer
function Ring:id() end

---The smallest and the largest share of the keys that a node owns, in relation to
---what its weight is due.
---@return number least, number most
function Ring:spread() end

return core
