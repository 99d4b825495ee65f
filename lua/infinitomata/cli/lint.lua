-- SPDX-License-Identifier: MIT
--- `infinitomata lint`: what is wrong with the definitions in files, as editors
--- want it. Nothing of a file but its definitions has any effect.
local Error = require "finitomata.error"
local cli = require "infinitomata.cli"
local json = require "infinitomata.json"
local source = require "infinitomata.source"

local M = {}

function M.describe(parser)
  parser:epilog("Prints FILE:LINE:COLUMN: MESSAGE for every fault. A FILE is Lua with definitions\n"
    .. "in it, or a diagram by itself. Nothing in it is started, written or sent.\n\n"
    .. "Exit status: 0 no faults (there may be warnings), 1 faults, 2 wrong usage.")
  parser:argument("file", "Lua files, or diagrams."):args("+")
  parser:option("--syntax", "Of diagrams; default: as they look.")
    :choices { "flowchart", "state_diagram" }
  parser:flag("--strict", "Warnings are faults as well.")
  parser:flag("--json", "One JSON list of all faults.")
end

local function show(terminal, path, fault)
  local kind = fault.warning and terminal:paint("yellow", "warning: ") or ""
  terminal:say(("%s:%d:%d: %s%s"):format(path, fault.line, fault.column, kind, fault.message))
end

---@return table[] rows
---@return integer checked definitions
---@return boolean missed a file could not be read; the others have been
local function gather(options)
  local rows, checked, missed = {}, 0, false
  for _, path in ipairs(options.file) do
    local read, err = source.read(path, { syntax = options.syntax })
    if not read then
      cli.complain("%s", Error.text(err))
      missed = true
    end
    checked = checked + (read and #read.definitions or 0)
    for _, fault in ipairs(read and read.faults or {}) do
      rows[#rows + 1] = { file = path, line = fault.line, column = fault.column,
        message = fault.message, warning = fault.warning }
    end
  end
  return rows, checked, missed
end

function M.run(options, terminal)
  local rows, checked, missed = gather(options)
  local status = missed and cli.FAILED or cli.OK
  for _, row in ipairs(rows) do
    if options.strict or not row.warning then status = cli.FAILED end
    if not options.json then show(terminal, row.file, row) end
  end
  if options.json then
    local ok, err = terminal:json(json.array(rows))
    if not ok then return nil, err end
  elseif #rows == 0 and checked == 0 and not missed then
    terminal:warn("no definition found")
  end
  return status
end

return M
