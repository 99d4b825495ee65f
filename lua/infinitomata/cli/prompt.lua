-- SPDX-License-Identifier: MIT
--- The prompt of `-i` and of a program without a script: lines from standard
--- input, as lua reads them. Between two lines the loop catches up.
local cli = require "infinitomata.cli"
local program = require "infinitomata.program"

local M = {}

M.usage = [[
reads Lua from standard input, line by line

  infinitomata prompt]]

local function show(text)
  io.stdout:write(text)
  io.stdout:flush()
end

local function prompt(first)
  local text = _G[first and "_PROMPT" or "_PROMPT2"]
  return text ~= nil and tostring(text) or first and "> " or ">> "
end

---A chunk from one or more lines: an expression when it is one.
---@return function? chunk nil at the end of the input or after an error
---@return string? problem nil at the end of the input
local function read_chunk()
  show(prompt(true))
  local text = io.read("L")
  if not text then return nil end
  local chunk = load("return " .. text:gsub("^=", ""), "=stdin", "t")
  if chunk then return chunk end
  while true do
    local problem
    chunk, problem = load(text, "=stdin", "t")
    if chunk or not problem:find("<eof>$") then return chunk, problem end
    show(prompt(false))
    local line = io.read("L")
    if not line then return nil, problem end
    text = text .. line
  end
end

local function with_traceback(problem)
  return (require "finitomata.trace").add(tostring(problem))
end

local function report(ok, ...)
  if not ok then
    cli.complain("%s", (...))
  elseif select("#", ...) > 0 then
    print(...)
  end
end

---@return integer status
function M.run()
  while true do
    local chunk, problem = read_chunk()
    if chunk then
      report(xpcall(chunk, with_traceback))
      program.step("nowait")
    elseif problem then
      cli.complain("%s", problem)
    else
      show("\n")
      return cli.OK
    end
  end
end

return M
