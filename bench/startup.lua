-- SPDX-License-Identifier: MIT
--- How long the program takes to start: until it has said its version, and until a
--- console, on a node of its own, has given its first answer. The best of several runs.
local core = require "infinitomata.core"
local report = require "report"

local RUNS <const> = 20
local program = assert(arg[1], "usage: startup.lua PROGRAM")

---Milliseconds until a command has printed a text; its output is read to the end.
local function until_it_prints(command, text)
  local best = math.huge
  for _ = 1, RUNS do
    local started = core.hrtime()
    local pipe <close> = assert(io.popen(command))
    local seen = ""
    while not seen:find(text, 1, true) do
      local more = pipe:read(1)
      if not more then error(("%s: no '%s' in '%s'"):format(command, text, seen)) end
      seen = seen .. more
    end
    best = math.min(best, (core.hrtime() - started) / 1e6)
    pipe:read "a"
  end
  return best
end

local function line(key, ms, limit)
  report.line(key, ms, ("a shell's echo takes %.1f ms"):format(limit))
end

local echo = until_it_prints("echo it", "it\n")
line("version", until_it_prints(program .. " version", ")\n"), echo)
local console = program .. " console --name startup --bind 127.0.0.1:0"
line("console", until_it_prints("echo '6 * 7' | " .. console, "42"), echo)
