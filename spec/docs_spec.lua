-- SPDX-License-Identifier: MIT
-- The documents keep their word: every Lua block in them is run, and every
-- transcript is typed again and compared.
--
--   ```lua     whose first line is `-- NAME.lua`: a file; any other: a script,
--              which must end well, in a folder with the files so far
--   ```console `$ infinitomata ...` and what it prints; a line of `...` stands
--              for any lines. Other commands are for the reader's eyes.

local PROGRAM = os.getenv "INFINITOMATA"

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  local pipe <close> = assert(io.popen "pwd")
  return pipe:read "l" .. "/" .. path
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

--- The fenced blocks of a document: {kind=, line=, text=}.
local function blocks_of(path)
  local list, block, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local kind = line:match "^```(%w*)"
    if block and kind then
      block.text = table.concat(block, "\n") .. "\n"
      list[#list + 1] = block
      block = nil
    elseif kind then
      block = { kind = kind, line = number }
    elseif block then
      block[#block + 1] = line
    end
  end
  return list
end

--- Runs a command in `folder`; returns what it printed and whether it ended
--- well.
local function run(folder, command)
  local root = quote(absolute ".")
  local pipe = assert(io.popen(("cd %s && LUA_PATH=%s/lua/?.lua\\;%s/lua/?/init.lua\\;\\;"
    .. " timeout 30 %s 2>&1 </dev/null"):format(quote(folder), root, root, command)))
  local said = pipe:read "a"
  return said, pipe:close()
end

--- True when `said` is what the transcript shows.
local function matches(shown, said)
  local pattern = ("\n" .. shown):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  pattern = pattern:gsub("\n%%%.%%%.%%%.%f[\n]", "\n.-")
  return ("\n" .. said):match("^" .. pattern .. "$") ~= nil
end

--- The commands of a transcript, each with what it shows.
local function commands_of(text)
  local list = {}
  for line in text:gmatch "([^\n]*)\n" do
    local command = line:match "^%$ (.+)"
    if command then
      list[#list + 1] = { command = command, shown = "" }
    elseif #list > 0 then
      list[#list].shown = list[#list].shown .. line .. "\n"
    end
  end
  return list
end

local function check_transcript(folder, block)
  for _, typed in ipairs(commands_of(block.text)) do
    local rest = typed.command:match "^infinitomata (.*)"
    if rest and not rest:match "^run " then
      local said = run(folder, quote(absolute(PROGRAM)) .. " " .. rest)
      assert(matches(typed.shown, said),
        ("$ %s\nis shown to print:\n%sbut prints:\n%s"):format(typed.command, typed.shown, said))
    end
  end
end

local function check_script(folder, block)
  local name = block.text:match "^%-%- ([%w_]+%.lua)\n"
  write(folder .. "/" .. (name or "block.lua"), block.text)
  if name then
    assert(loadfile(folder .. "/" .. name, "t"))
  else
    local said, ended_well = run(folder, quote(absolute(PROGRAM)) .. " block.lua")
    assert(ended_well, said)
  end
end

local function documents()
  local list = {}
  local pipe <close> = assert(io.popen "ls *.md docs/*.md examples/*.md")
  for path in pipe:lines() do list[#list + 1] = path end
  return list
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function is_there(path)
  local file <close> = io.open(path)
  return file ~= nil
end

---The headings of a document, as links name them.
local function anchors_of(path)
  local anchors, in_block = {}, false
  for line in io.lines(path) do
    if line:find "^```" then in_block = not in_block end
    local heading = not in_block and line:match "^#+ (.*)$"
    if heading then
      anchors[(heading:lower():gsub("[^%w%-_ ]", ""):gsub(" ", "-"))] = true
    end
  end
  return anchors
end

describe("examples/README.md", function()
  local examples = {}
  do
    local pipe <close> = assert(io.popen "ls examples")
    for name in pipe:lines() do
      if not name:find "%.md$" then examples[#examples + 1] = name end
    end
  end

  it("names every example", function()
    local index = read "examples/README.md"
    for _, name in ipairs(examples) do
      assert(index:find("[" .. name .. "](", 1, true), name .. " is not in the index")
    end
  end)

  it("says that each is run by a test", function()
    local pipe <close> = assert(io.popen "cat spec/*.lua tests/*/*.sh")
    local tests = pipe:read "a"
    for _, name in ipairs(examples) do
      assert(tests:find("examples/" .. name, 1, true) or tests:find('"' .. name .. '"', 1, true),
        name .. " is not run")
    end
  end)
end)

describe("the transcript matcher", function()
  it("takes what is equal", function() assert.is_true(matches("a\nb.\n", "a\nb.\n")) end)
  it("takes any lines for dots", function()
    assert.is_true(matches("a\n...\nb\n", "a\nx\ny\nb\n"))
    assert.is_true(matches("...\nb\n", "x\nb\n"))
  end)
  it("refuses what differs", function()
    assert.is_false(matches("a.\n", "ab\n"))
    assert.is_false(matches("a\n", "a\nb\n"))
    assert.is_false(matches("a\n...\nb\n", "a\nx\n"))
  end)
end)

for _, path in ipairs(documents()) do
  describe(path, function()
    local folder

    setup(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute("mkdir " .. quote(folder)))
    end)
    teardown(function() os.execute("rm -r " .. quote(folder)) end)

    it("points at files and headings that are there", function()
      local base = path:match "^(.*/)" or ""
      for line in io.lines(path) do
        for link in line:gmatch "%]%(([^)%s]+)%)" do
          if not link:match "^%a+:" then
            local target, anchor = link:match "^([^#]*)#?(.*)$"
            local file = target == "" and path or base .. target
            assert(is_there(file), ("%s points at %s"):format(path, link))
            assert(anchor == "" or anchors_of(file)[anchor], ("%s points at %s"):format(path, link))
          end
        end
      end
    end)

    it("shows what is true", function()
      assert(PROGRAM, "INFINITOMATA names the program")
      for _, block in ipairs(blocks_of(path)) do
        local check = ({ lua = check_script, console = check_transcript })[block.kind]
        if check then
          local ok, why = pcall(check, folder, block)
          assert(ok, ("%s:%d: %s"):format(path, block.line, tostring(why)))
        end
      end
    end)
  end)
end
