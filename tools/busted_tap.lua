-- SPDX-License-Identifier: MIT
-- An output handler for busted: one `ok` or `not ok` line a test, and the plan
-- at the very end. A run that is cut short, by os.exit(0) for one, has no plan,
-- and the test runner takes that for a failure.
local function comment(text)
  if type(text) ~= "string" then text = require "pl.pretty".write(text) end
  return "# " .. text:gsub("\n", "\n# ")
end

return function()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local count = 0

  local function say(...)
    io.write(table.concat({ ... }), "\n")
    io.flush()
  end

  local function bad(name, what)
    count = count + 1
    say("not ok ", tostring(count), " - ", name)
    say(comment(what.message == nil and "no message" or what.message))
    local trace = type(what.trace) == "table" and what.trace.traceback
    if trace then say(comment(trace)) end
  end

  function handler.suiteReset()
    count = 0
    return nil, true
  end

  function handler.testEnd(element, _, status)
    local name = handler.getFullName(element)
    if status == "success" then
      count = count + 1
      say("ok ", tostring(count), " - ", name)
    elseif status == "pending" then
      count = count + 1
      say("ok ", tostring(count), " - ", name, " # SKIP")
    elseif status == "failure" then
      bad(name, handler.failures[#handler.failures])
    else
      bad(name, handler.errors[#handler.errors])
    end
    return nil, true
  end

  -- What breaks outside a test: a file that does not load, a setup that raises.
  function handler.error(element)
    if element.descriptor ~= "it" then
      local name = ("%s %s"):format(element.descriptor, element.name or "?")
      bad(name, handler.errors[#handler.errors])
    end
    return nil, true
  end

  function handler.suiteEnd()
    say("1..", tostring(count))
    return nil, true
  end

  busted.subscribe({ "suite", "reset" }, handler.suiteReset)
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "error" }, handler.error)
  busted.subscribe({ "failure" }, handler.error)
  return handler
end
