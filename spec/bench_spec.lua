-- SPDX-License-Identifier: MIT
--- The table of `make bench`: its machinery, and that every target has a line.
package.path = package.path .. ";bench/?.lua"
local lines = require "lines"
local reasons = require "reasons"
local sheet = require "sheet"

local function take(text)
  local rows = sheet.new()
  return rows:take(text), rows
end

--- Feeds rows to bench/show.lua; what it prints, and whether it ended well.
local function show(rows, arguments)
  local file = os.tmpname()
  local out <close> = assert(io.open(file, "w"))
  out:write(rows)
  out:flush()
  local pipe = assert(io.popen(("LUA_PATH='bench/?.lua;;' lua5.4 bench/show.lua %s <%s 2>&1")
    :format(arguments or "", file)))
  local text = pipe:read "a"
  os.remove(file)
  return text, pipe:close() == true
end

describe("a row of a benchmark", function()
  it("gets the unit, the target and the verdict of its line", function()
    local row = assert(take "start.many\t71234.5\t1.01 of an echo's")
    assert.equal("71.2 k/s", row.measured)
    assert.equal(">= 120 k/s", row.target)
    assert.equal("missed", row.verdict)
    assert.equal("1.01 of an echo's", row.against)
  end)

  it("meets a target that is a limit, a number, or near one", function()
    for key, values in pairs {
      ["here"] = { 999999, 1e6 }, ["idle.heap"] = { 400, 399.9 },
      ["state.remote.echo"] = { 1.51, 1.5 }, ["race.twice"] = { 1, 0 },
      ["place.moved"] = { 27.1, 27 }, ["place.ring"] = { 19.9, 20 },
    } do
      assert.equal("missed", take(key .. "\t" .. values[1]).verdict, key)
      assert.equal("met", take(key .. "\t" .. values[2]).verdict, key)
    end
  end)

  it("is written in two or three digits, and more when it just misses", function()
    for text, expected in pairs {
      ["ring\t10412345"] = "10.4 M/s", ["death.noticed\t46.849"] = "46.8 ms",
      ["synch.1k\t0.0319"] = "0.032 ms", ["tick\t1"] = "1 us", ["race.twice\t0"] = "0",
      ["learn.1M\t1395.2"] = "1395 ms", ["seen.caller\t100"] = "100 %",
      ["step.one\t1999000"] = "1.999 M/s", ["seen.caller\t99.98"] = "99.98 %",
      ["here\t999999.9"] = "1000 k/s",
    } do
      assert.equal(expected, take(text).measured)
    end
  end)

  it("has no verdict where there is no target", function()
    assert.equal("", take("ring\t10000000").verdict)
  end)

  it("may say that it cannot be measured here", function()
    local row = take "heal.time\t-\tno namespaces here"
    assert.equal("not measured", row.verdict)
    assert.equal("-", row.measured)
    assert.is_nil(row.reason)
  end)

  it("gives the reason when it misses, and says so when there is none", function()
    local kept = reasons.tick
    finally(function() reasons.tick = kept end)
    reasons.tick = "it is slow"
    assert.matches("\n    why: it is slow$", sheet.text_of(take "tick\t2"))
    reasons.tick = nil
    assert.matches("\n    why: no reason is written down$", sheet.text_of(take "tick\t2"))
    assert.is_nil(take("tick\t0.1").reason)
  end)

  it("is a fault when it makes no sense", function()
    for _, text in ipairs {
      "no such line\t1", "ring\tmany", "ring", "", "a\tb\tc\td", "failed\tcluster\tstatus 1",
    } do
      local row, rows = take(text)
      assert.is_nil(row)
      assert.equal(1, #rows.faults, text)
    end
  end)
end)

describe("the table", function()
  it("stands in columns", function()
    local head = sheet.head()
    local verdict, against = assert(head:find "verdict"), assert(head:find "against")
    for _, line in ipairs(lines) do
      local value = line.target or 1234.5
      if line.relation == "<" then value = value * 0.9 end
      local text = sheet.text_of(take(("%s\t%s\tAGAINST"):format(line.key, value)))
      assert.equal(against, text:find "AGAINST", text)
      assert.equal(line.relation and verdict or nil, text:find "met ", text)
    end
  end)

  it("counts what is met and missed, and ends well with targets missed", function()
    local text, well = show "ring\t1\nhere\t1\nrace.twice\t0\nversion\t1\nheal.time\t-\tno\n"
    assert.is_true(well, text)
    assert.matches("\n2 targets met, 1 missed, 1 not measured\n", text)
  end)

  it("ends badly when a part failed, and shows the others", function()
    local text, well = show "failed\tcluster\tstatus 1\nversion\t1\n"
    assert.is_false(well)
    assert.matches("cluster failed: status 1", text)
    assert.matches("1 targets met, 0 missed", text)
  end)

  it("ends badly when a line is missing from the whole", function()
    local text, well = show("version\t1\n", "all")
    assert.is_false(well)
    assert.matches("console: nobody measured it", text)
    assert.is_nil(text:find "version: nobody")
  end)

  it("fails with a part that does not exist", function()
    local pipe = assert(io.popen "bench/run.sh build nothing 2>&1")
    assert.matches("nothing failed: status 2", pipe:read "a")
    assert.is_nil(pipe:close())
  end)
end)

describe("bench/lines.lua", function()
  local by_key = {}
  for _, line in ipairs(lines) do by_key[line.key] = line end

  it("has every target", function()
    for key, target in pairs {
      ["start.many"] = ">= 120 k/s", ["start.one"] = ">= 20 k/s", ["seen.caller"] = "100 %",
      ["seen.median"] = "< 500 us", ["seen.late"] = "< 2000 us", ["remote.one"] = ">= 17.4 k/s",
      ["remote.many"] = ">= 217 k/s", ["state.remote"] = "< 60 us",
      ["state.remote.echo"] = "<= 1.5 x", ["here"] = ">= 1 M/s", ["step.one"] = ">= 2 M/s",
      ["step.spread"] = ">= 2 M/s", ["start"] = ">= 500 k/s", ["state.full"] = ">= 2 M/s",
      ["state.state"] = ">= 2 M/s", ["state.cached"] = ">= 2 M/s", ["tick"] = "< 0.6 us",
      ["idle.heap"] = "< 400 B", ["idle.resident"] = "< 400 B", ["million.heap"] = "< 400 B",
      ["row.memory"] = "< 96 B", ["resident.1M"] = "< 96 B", ["synch.1k"] = "< 5 ms",
      ["synch.10k"] = "< 5 ms", ["synch.100k"] = "< 5 ms", ["synch.1M"] = "< 5 ms",
      ["wrong.1k"] = "0", ["wrong.10k"] = "0", ["wrong.100k"] = "0", ["wrong.1M"] = "0",
      ["learn.10k"] = "< 200 ms", ["race.twice"] = "0", ["place.agreed"] = "100 %",
      ["place.moved"] = "25 % +- 2", ["heal.time"] = "< 5 s", ["heal.twice"] = "0",
      ["heal.views"] = "0", ["death.after"] = "< 5 ms", ["death.noticed"] = "< 100 ms",
      ["crash.lost"] = "0", ["step.one.share"] = ">= 50 %", ["million.share"] = ">= 50 %",
    } do
      assert.equal(target, sheet.target_of(by_key[key]), key)
    end
  end)

  it("has every figure without one that is asked for", function()
    for _, key in ipairs {
      "ring", "learn.1M", "behind.1k", "behind.100k", "behind.1M",
    } do
      assert(by_key[key], key)
    end
  end)

  it("names no line twice", function()
    local count = 0
    for _ in pairs(by_key) do count = count + 1 end
    assert.equal(#lines, count)
  end)

  it("has a target for each line that has a reason", function()
    for key in pairs(reasons) do assert(by_key[key] and by_key[key].relation, key) end
  end)
end)

describe("docs/performance.md", function()
  it("has every line, as `make figures` writes it", function()
    local file <close> = assert(io.open "docs/performance.md")
    local page = file:read "a"
    local from = 1
    for _, line in ipairs(lines) do
      local what = line.what:gsub("^  ", "... ")
      local _, last = page:find(("\n| %s | "):format(what), from, true)
      assert(last, what .. " is not there, or not in its place")
      local target = page:match("^[^|]*| ([^|]*) |", last + 1)
      assert.equal(sheet.target_of(line), target, what)
      from = last
    end
  end)
end)
