---@meta infinitomata.core
-- SPDX-License-Identifier: MIT

--- What the console takes from the C module: the terminal, a way to stop Lua code
--- that computes, sockets and files of the user's alone.
---@class infinitomata.core
local core = {}

---Takes standard input; a process has one, so a second console raises. Nothing is
---read before `ask`.
---@param on_line fun(line: string?)  the line asked for; nil at the end of the input
---@param on_tab fun(before: string)  the completion key, and what stands before the cursor
---@return infinitomata.core.Console
function core.console_open(on_line, on_tab) end

---@class infinitomata.core.Console
local console = {}

---Asks for one line: on_line is called once.
---@param prompt string not shown to a pipe or a file
function console:ask(prompt) end

---Gives the question up, and ends the line that is typed.
---@param mark? string what is to stand behind it
---@return boolean asked there was one
function console:drop(mark) end

---Shows a text. While a line is edited it appears above it, in whole lines.
---@param text string
function console:show(text) end

---@param count integer characters before the cursor to take away
---@param text string   what to put in their place
function console:replace(count, text) end

---@return string? before what stands before the cursor; nil when no line is edited
function console:typed() end

---@param line string that the arrow keys shall bring back
function console:remember(line) end

---The terminal has another size, or was taken away meanwhile.
function console:refresh() end

---@return integer? columns nil: standard output is no terminal
function console:columns() end

---@return "edit"|"prompt"|"plain" mode "prompt": plain lines, but of a person
function console:mode() end

---Gives the terminal back as it was.
function console:close() end

---After SIGINT or SIGIO `fn()` is called inside the coroutine that runs, or the
---next one that does, at every instruction until it returns true: it may raise there.
---@param fn fun(): boolean
function core.on_interrupt(fn) end

---How many SIGINTs have come since on_interrupt was called first.
---@return integer
function core.interrupts() end

---Listens at a UNIX socket of mode 0600; peers of other users are turned away. The
---socket of a process that is gone is replaced. Does not keep the loop alive.
---@param path string
---@param on_connection fun(pipe: infinitomata.core.Pipe)
---@return infinitomata.core.Pipe? server
---@return string? code  as "EADDRINUSE"
---@return string? message
function core.pipe_listen(path, on_connection) end

---Removes the sockets in a folder at which nobody listens any more: of this user,
---older than ten seconds, among the first few hundred files.
---@param folder string
---@return integer removed
function core.pipe_sweep(folder) end

---@param path string
---@param on_connected fun(ok: boolean)  later, once
---@return infinitomata.core.Pipe
function core.pipe_connect(path, on_connected) end

---Listens on the network: to everybody, so seal what is said.
---@param address string "HOST:PORT"; port 0: any
---@param on_connection fun(pipe: infinitomata.core.Pipe)
---@return infinitomata.core.Pipe? server
---@return string? code
---@return string? message
function core.tcp_listen(address, on_connection) end

---@param address string "HOST:PORT"
---@param on_connected fun(ok: boolean)  later, once
---@return infinitomata.core.Pipe?
---@return string? code
---@return string? message
function core.tcp_connect(address, on_connected) end

---@class infinitomata.core.Pipe
local pipe = {}

---@param fn fun(bytes: string?, why: string?)  nil once, at the end
---@return boolean? ok, string? code, string? message
function pipe:on_bytes(fn) end

---A peer that does not read is dropped once 16 MiB wait for it.
---@param bytes string
---@return boolean? ok, string? code, string? message
function pipe:write(bytes) end

---@return integer bytes that were written and wait for the peer to read
function pipe:unsent() end

---Calls `fn()` once, as soon as nothing waits any more or the connection has ended.
---@param fn fun()
---@return boolean? ok nil: nothing waits, or the connection has ended
---@return string? code, string? message
function pipe:on_drained(fn) end

---Closes once all that was written is on its way.
function pipe:finish() end

function pipe:close() end

---@param on boolean  new bytes send this process SIGIO: guard something first
function pipe:alert(on) end

---@return string? bytes that wait to be read, which they still do; nil: the peer is gone
function pipe:peek() end

---The same, but they are taken: on_bytes does not get them.
---@return string? bytes
function pipe:grab() end

---@return string? address "HOST:PORT" of this end; nil: it is no TCP connection
function pipe:address() end

---Keys of the cluster for TLS, as the nodes' links use them: who dials uses the
---first, who is dialled takes any.
---@param keys string[] in base 64
---@return infinitomata.core.SealKeys?
---@return string? code
function core.seal_keys(keys) end

---@class infinitomata.core.SealKeys
local keys = {}

---@param dialled boolean this end speaks first
---@return infinitomata.core.Seal?
---@return string? code
function keys:open(dialled) end

---One end of a TLS connection, without its socket.
---@class infinitomata.core.Seal
local seal = {}

---@param bytes string from the other end
---@return string? plain what they say, which may be nothing yet
---@return string? code "crypt": it has no key of ours; "closed"
function seal:input(bytes) end

---@return boolean ready both ends have proved that they know a key
function seal:ready() end

---@param bytes string
---@return boolean? ok
---@return string? code
function seal:seal(bytes) end

---@return string? bytes to be written to the other end
---@return string? code
function seal:take() end

---Makes the folder if need be.
---@param path string
---@return boolean? ok it is the user's, of mode 0700
---@return string? problem
function core.private_folder(path) end

---Makes the file if need be.
---@param path string
---@return boolean? ok it is of mode 0600
---@return string? problem
function core.private_file(path) end

---@return integer
function core.user_id() end

return core
