-- SPDX-License-Identifier: MIT
--- `infinitomata draw`: the diagram of a definition, for documents and terminals.
--- Graphviz lays an SVG out, when it is installed.
local canvases = require "infinitomata.console.canvas"
local cli = require "infinitomata.cli"
local diagram = require "infinitomata.console.diagram"
local source = require "infinitomata.source"

local M = {}

function M.describe(parser)
  parser:epilog("A FILE is Lua with definitions in it, or a diagram by itself. SVG needs Graphviz.")
  parser:argument("file", "A Lua file, or a diagram.")
  parser:option("--format", "What to draw.", "mermaid")
    :choices { "mermaid", "plantuml", "dot", "svg", "text" }
  parser:option("--name", "The definition to draw, when there are several."):argname("<fsm>")
  parser:option("--syntax", "Of a diagram; default: as it looks.")
    :choices { "flowchart", "state_diagram" }
  parser:option("--out", "Write this file, not standard output."):argname("<file>")
end

---@param text string
---@return string text as one word of the shell
local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---@param path string
---@return string? text
local function contents(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

---@param graph string Graphviz' language
---@return string? svg
---@return string? problem
local function lay_out(graph)
  if not os.execute("command -v dot >/dev/null 2>&1") then
    return nil, "SVG needs Graphviz, and there is no 'dot' (apt-get install graphviz);"
      .. " --format dot gives its input"
  end
  local from, to = os.tmpname(), os.tmpname()
  local ok, svg
  local file, problem = io.open(from, "wb")
  if file then
    file:write(graph)
    file:close()
    ok = os.execute(("dot -Tsvg -o %s %s 2>/dev/null"):format(quoted(to), quoted(from)))
    svg = ok and contents(to)
    problem = "dot failed"
  end
  os.remove(from)
  os.remove(to)
  return svg, not svg and problem or nil
end

local function names_of(found)
  local names = {}
  for i, each in ipairs(found) do names[i] = each.name end
  return table.concat(names, ", ")
end

---@param definition finitomata.Definition
---@return string picture for a terminal as wide as it takes
local function picture(definition)
  return diagram.draw(definition.transitions, nil,
    { width = math.maxinteger, unicode = canvases.has_unicode() })
end

---The definitions to draw.
local function chosen(read, options)
  if read:is_faulty() then
    local fault = read.faults[1]
    for _, each in ipairs(read.faults) do
      if fault.warning then fault = each end
    end
    return nil, ("%s:%d:%d: %s"):format(read.path, fault.line, fault.column, fault.message)
  end
  local found = read.definitions
  if #found == 0 then return nil, ("%s: no definition found"):format(read.path) end
  if options.name then
    for _, each in ipairs(found) do
      if each.name == options.name then return { each } end
    end
    return nil, ("%s: there is no definition '%s', but %s"):format(read.path, options.name,
      names_of(found))
  end
  if options.format == "svg" and #found > 1 then
    return cli.usage_error("%s has %d definitions: choose one with --name", read.path, #found)
  end
  return found
end

---@param path string
---@param text string
---@return true?
---@return string? problem
local function write(path, text)
  local file, problem = io.open(path, "wb")
  if not file then return nil, problem end
  local ok, wrong = file:write(text)
  if ok then ok, wrong = file:close() end
  if not ok then return nil, ("%s: %s"):format(path, wrong) end
  return true
end

function M.run(options, terminal)
  local read, err = source.read(options.file, { syntax = options.syntax })
  if not read then return nil, err end
  local found
  found, err = chosen(read, options)
  if not found then return nil, err end
  local format, texts = options.format, {}
  for i, each in ipairs(found) do
    local definition = each.definition
    local write_as = format == "text" and picture or definition[format == "svg" and "dot" or format]
    texts[i] = write_as(definition)
    if format == "svg" then
      texts[i], err = lay_out(texts[i])
      if not texts[i] then return nil, err end
    end
  end
  local text = table.concat(texts, "\n\n"):gsub("\n*$", "")
  if options.out then return write(options.out, text .. "\n") end
  terminal:say(text)
end

return M
