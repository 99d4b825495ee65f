-- SPDX-License-Identifier: MIT
-- The documents keep their word: every Lua block in them is run, and every
-- transcript is typed again and compared.
--
--   ```lua     whose first line is `-- NAME.lua`: a file; any other: a script,
--              which must end well, in a folder with the files so far
--   ```console `$ infinitomata ...` and what it prints; a line of `...` stands
--              for any lines
--
-- All other blocks and commands are in DONE_BY, with who does them.

local PROGRAM = os.getenv "INFINITOMATA"

-- `PAGE KIND` for the blocks of a kind, `PAGE $ COMMAND` for the commands of
-- transcripts that begin so.
local DONE_BY <const> = {
  ["CONTRIBUTING.md sh"] = "tests/docs/shell.sh",
  ["README.md $ infinitomata run"] = "tests/docs/terminals.sh",
  ["README.md $ make demo"] = "tests/docs/terminals.sh",
  ["README.md sh"] = "tests/docs/shell.sh",
  ["docs/building.md sh"] = "tests/install/rock.sh",
  ["docs/c-api.md c"] = "spec/c_reference_spec.lua",
  ["docs/cli.md $ infinitomata fsms"] = "tests/docs/asking.sh",
  ["docs/cli.md $ infinitomata members"] = "tests/docs/asking.sh",
  ["docs/cli.md $ infinitomata send"] = "tests/docs/asking.sh",
  ["docs/cli.md $ infinitomata state"] = "tests/docs/asking.sh",
  ["docs/cluster.md sh"] = "tests/docs/shell.sh",
  ["docs/consistency.md $ examples/partition/cut.sh"] = "tests/partition/partition.sh",
  ["docs/console.md $ echo 'branch:count()' | infinitomata console"] = "tests/docs/asking.sh",
  ["docs/console.md $ infinitomata attach"] = "tests/docs/asking.sh",
  ["docs/console.md session"] = "tests/console/docs.sh",
  ["docs/getting-started.md session"] = "tests/docs/getting_started.sh",
  ["docs/getting-started.md sh"] = "tests/docs/shell.sh",
  ["docs/operations.md ini"] = "tests/docs/service.sh",
  ["docs/operations.md sh"] = "tests/docs/shell.sh",
}

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

--- The fenced blocks of a document: {path=, kind=, line=, text=}.
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
      block = { path = path, kind = kind, line = number }
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

--- The key of DONE_BY that a command of a page belongs to, if one does.
local function key_of(path, command)
  for key in pairs(DONE_BY) do
    local page, beginning = key:match "^(%S+) %$ (.+)$"
    if page == path and command:sub(1, #beginning) == beginning then return key end
  end
end

--- Calls `seen` with the key in DONE_BY of each thing in a block that is not done
--- here: nil when it is not in there.
local function each_elsewhere(block, seen)
  if block.kind == "console" then
    for _, typed in ipairs(commands_of(block.text)) do
      local key = key_of(block.path, typed.command)
      if key or not typed.command:match "^infinitomata " then seen(key, typed.command) end
    end
  elseif block.kind ~= "lua" then
    local key = block.path .. " " .. block.kind
    seen(DONE_BY[key] and key, "a block of " .. block.kind)
  end
end

local function check_transcript(folder, block)
  for _, typed in ipairs(commands_of(block.text)) do
    local rest = typed.command:match "^infinitomata (.*)"
    if rest and not key_of(block.path, typed.command) then
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

describe("what is not done here", function()
  it("is done by a script that names the page", function()
    for key, script in pairs(DONE_BY) do
      local page = key:match "^%S+"
      assert(read(script):find(page, 1, true), ("%s does not name %s"):format(script, page))
    end
  end)

  it("is still there to be done", function()
    local left = {}
    for key in pairs(DONE_BY) do left[key] = true end
    for _, path in ipairs(documents()) do
      for _, block in ipairs(blocks_of(path)) do
        each_elsewhere(block, function(key) left[key or ""] = nil end)
      end
    end
    assert.is_nil(next(left))
  end)
end)

describe("man/infinitomata.1", function()
  it("shows a configuration that is one", function()
    local shown = 0
    for text in read "man/infinitomata.1":gmatch "\n%.nf\n%.RS\n(.-)%.RE\n%.fi\n" do
      shown = shown + 1
      local path, key_file = os.tmpname(), os.tmpname()
      write(path, (text:gsub("/etc/infinitomata/key", key_file)))
      write(key_file, (run(".", quote(absolute(PROGRAM)) .. " keygen")))
      local said, ended_well = run(".", ("%s run --print-config --config %s"):format(
        quote(absolute(PROGRAM)), path))
      os.remove(path)
      os.remove(key_file)
      assert(ended_well, said)
      for key in text:gmatch "\n  ([%l_]+) = " do
        local set = said:find("\n  " .. key .. " = [^\n]+-- file ")
        assert(set or key == "name", key .. ": " .. said)
      end
    end
    assert.equal(1, shown)
    assert.equal(1, select(2, read "man/infinitomata.1":gsub("\n%.nf\n", "")))
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

    it("has no block or command that nobody does", function()
      for _, block in ipairs(blocks_of(path)) do
        each_elsewhere(block, function(key, what)
          assert(key, ("%s:%d: nobody does %s"):format(path, block.line, what))
        end)
      end
    end)

    it("has its code in blocks that begin in the first column", function()
      local number, inside, before = 0, false, ""
      for line in io.lines(path) do
        number = number + 1
        if line:find "^```" then
          inside = not inside
        elseif not inside then
          local hidden = before == "" and line:find "^    " or line:find "^ *\t"
            or line:find "^[ >]*```" or line:find "^[ >]*~~~"
          assert(not hidden, ("%s:%d: code that nobody runs"):format(path, number))
        end
        before = line
      end
      assert.is_false(inside)
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
