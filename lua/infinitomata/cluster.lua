-- SPDX-License-Identifier: MIT
--- This process's place in the cluster: its node, calls to other nodes and
--- answers to theirs. The only module here that requires the C module.
local core = require "infinitomata.core"
local errors = require "finitomata.error"
local log = require "finitomata.log"
local task = require "finitomata.task"

local M = {}

---@type infinitomata.core.Node? this process's node, nil before start and after leave
local node

---@type string? the name that it has, or had
local own_name

---@type finitomata.Waiter[]? while a node is on its way out: who wants to start the next
local next_up

---@type table<string, { fn: fun(...)? }[]> subscribers by kind of event; a list is never
---changed but replaced, so that a subscriber may come or go while they are told
local subscribers = {
  member = {}, rows = {}, lost = {}, contest = {}, user = {}, node = {}, keys = {},
}

---@type fun(branch: string, op: string, name: string, ...)? answers requests of peers
local server

---The running node, or nil.
---@return infinitomata.core.Node?
function M.node()
  return node
end

---The name of the running node, or of the last one.
---@return string?
function M.name()
  return own_name
end

---A value as bytes, the same on every node; or nil, the path to what cannot be
---packed and what it is.
M.pack = core.pack

---The constants of membership, and what is wrong with some: infinitomata.membership.
M.membership_settings = core.membership_settings
M.membership_fault = core.membership_fault

---An empty hash ring.
---@return infinitomata.core.Ring
function M.ring()
  return core.ring_new()
end

---The core tells of rows only while somebody listens: at high rates that is most
---of what it would tell.
local function listen()
  if node then node:want_rows(#subscribers.rows > 0) end
end

---Calls `fn(...)` for every event of the kind until the handle is cancelled.
---"node": this process's node has started; "keys": it has taken a step of a rotation.
---@param kind "member"|"rows"|"lost"|"contest"|"user"|"node"|"keys"
---@param fn fun(...)
---@return { cancel: fun(self) }
function M.on(kind, fn)
  local subscriber = { fn = fn }
  subscribers[kind] = table.move(subscribers[kind], 1, #subscribers[kind], 1, {})
  table.insert(subscribers[kind], subscriber)
  if kind == "rows" then listen() end
  return {
    cancel = function()
      local others = {}
      for _, each in ipairs(subscribers[kind]) do
        if each ~= subscriber then others[#others + 1] = each end
      end
      subscriber.fn, subscribers[kind] = nil, others
      if kind == "rows" then listen() end
    end,
  }
end

---Says who answers requests: called in a task with branch, op, name and up to four
---arguments; what it returns travels back, up to three values.
---@param fn fun(branch: string, op: string, name: string, ...)
function M.serve(fn)
  server = fn
end

local function publish(kind, ...)
  for _, each in ipairs(subscribers[kind] or {}) do
    if each.fn then -- not cancelled by one that was told before it
      local ok, problem = xpcall(each.fn, debug.traceback, ...)
      if not ok then log.error("a subscriber of %s events failed: %s", kind, problem) end
    end
  end
end

local function answer(token, ok, first, second, third)
  if not node then return end -- it was closed while the handler ran
  if not ok then
    log.error("a request of a peer failed: %s", first)
    local text = "the request failed: " .. tostring(first)
    node:reply(token, false, { code = "internal", message = text })
  elseif first == nil and second ~= nil then
    node:reply(token, false, errors.to_table(second))
  else
    node:reply(token, true, first, second, third)
  end
end

local traceback = debug.traceback

local function handle(token, branch, op, name, a, b, c, d)
  answer(token, xpcall(server, traceback, branch, op, name, a, b, c, d))
end

---What is only accepted, not done, waits for nothing and needs no coroutine.
local AT_ONCE = { transition = true }

local function handle_later(op, name, rest)
  handle(rest[1], rest[2], op, name, rest[3], rest[4], rest[5], rest[6])
end

local function on_request(token, branch, op, name, a, b, c, d)
  if AT_ONCE[op] then return handle(token, branch, op, name, a, b, c, d) end
  task.post(handle_later, op, name, { token, branch, a, b, c, d })
end

---A step of a rotation on the running node; who keeps keys as well takes it too.
---@param step "add_key"|"use_key"|"remove_key"|"set_keys"
---@param given string|string[]
---@return true?, string? code, string? message
function M.change_keys(step, given)
  local ok, code, message = node[step](node, given)
  if ok then publish("keys", step, given) end
  return ok, code, message
end

local function on_event(kind, ...)
  if kind == "log" then
    local level, line = ...
    return log.write(level, "%s", line)
  end
  publish(kind, ...)
end

local SENTENCES = {
  timeout = "no answer came in time",
  unreachable = "the node cannot be reached",
  overloaded = "too many calls wait for an answer",
  closed = "this node has left the cluster",
  no_such_fsm = "no node runs it",
  too_big = "the request is larger than a message may be",
}

---What is added to the sentence of a failure that leaves open whether it was one.
M.UNCERTAIN = "; it may have been carried out"

---@param what string whom the call was for
local function failure(code, fields, what)
  fields = fields or {}
  local text = SENTENCES[code] or code
  if code == "exhausted" then
    local attempts = fields.attempts or 0
    text = ("gave up after %d attempt%s in %d ms"):format(attempts, attempts == 1 and "" or "s",
      fields.elapsed_ms or 0)
    local cause = SENTENCES[fields.cause]
    if cause then text = text .. ": " .. cause end
    if fields.node and what:find "^fsm" then text = ("%s (node %q)"):format(text, fields.node) end
  elseif code == "unreachable" and what:find "^fsm" and fields.node then
    text = ("it went down with node %q"):format(fields.node)
  end
  if fields.uncertain then text = text .. M.UNCERTAIN end
  return errors.new(code, what .. ": " .. text, fields)
end

---nil and the error in what the runtime woke us with, about the fsm or node called
---`name`.
local function problem_of(kind, name, delivered, code, fields)
  if not delivered then return nil, failure(code, fields, ("%s %q"):format(kind, name)) end
  return nil, errors.from_table(fields)
end

local function refused(code, path, why)
  if code == "not_serializable" then
    return nil, errors.new(code, ("%s cannot travel: it is %s"):format(path, why), { path = path })
  end
  return nil, failure(code, nil, "the call")
end

---Asks the node that runs `name`, wherever it is at each attempt. Answers what that
---node did, up to three values.
---@async
---@param policy infinitomata.Policy
---@param branch string
---@param op string
---@param name string
function M.call(policy, branch, op, name, a, b, c)
  local waiter = task.waiter()
  local sent, code, path, why = node:call(waiter, policy, branch, op, name, a, b, c)
  if not sent then return refused(code, path, why) end
  local delivered, ok, first, second, third = task.wait(waiter)
  if delivered and ok then return first, second, third end
  return problem_of("fsm", name, delivered, ok, first)
end

---Asks the node called `peer`, in the same way.
---@async
---@param policy infinitomata.Policy
---@param peer string
---@param branch string
---@param op string
---@param name string
function M.call_node(policy, peer, branch, op, name, ...)
  local waiter = task.waiter()
  local sent, code, path, why = node:call_node(waiter, policy, peer, branch, op, name, ...)
  if not sent then return refused(code, path, why) end
  local delivered, ok, first, second, third = task.wait(waiter)
  if delivered and ok then return first, second, third end
  return problem_of("node", peer, delivered, ok, first)
end

---Reconciles the branch's rows with the named nodes (nil: with all).
---@async
---@param branch string
---@param peers? string[]
---@return true?, finitomata.Error?
function M.synch(branch, peers)
  local runs = {}
  for _, name in ipairs(node:nodes(branch)) do runs[name] = true end
  local waiter = task.waiter()
  local accepted, code = node:synch(waiter, branch, peers)
  if not accepted then return nil, failure(code, nil, ("branch %q"):format(branch)) end
  local ok, silent = task.wait(waiter)
  if ok then return true end
  local silent_ones, strange = {}, {}
  for _, name in ipairs(silent or {}) do
    local list = runs[name] and silent_ones or strange
    list[#list + 1] = ("%q"):format(name)
  end
  local parts = {}
  if #silent_ones > 0 then parts[1] = "no answer from " .. table.concat(silent_ones, ", ") end
  if #strange > 0 then
    local text = "no live node of branch %q is called %s"
    parts[#parts + 1] = text:format(branch, table.concat(strange, " or "))
  end
  return nil, errors.new("unreachable", table.concat(parts, "; "), { nodes = silent })
end

---Nodes that are started together find each other in any order: who is asked may
---not listen yet. Who refuses will do so again.
local NOT_YET = { unreachable = true, timeout = true }
local JOIN_PATIENCE_MS = 3000
local JOIN_PAUSE_MS = 100

---@return integer? joined
---@return string|finitomata.Error? problem
---@return string? code
local function join_once(started, addresses)
  local waiter = task.waiter()
  local ok, code, message = started:join(waiter, addresses)
  if not ok then return nil, errors.new(code, message) end
  return task.wait(waiter)
end

local function join(started, addresses)
  local deadline = core.now() + JOIN_PATIENCE_MS
  local joined, problem, code = join_once(started, addresses)
  while joined == 0 and NOT_YET[code] and core.now() < deadline do
    task.sleep(JOIN_PAUSE_MS)
    joined, problem, code = join_once(started, addresses)
  end
  if not joined then return nil, problem end
  if joined > 0 then return true end
  local text = "nobody answered at " .. table.concat(addresses, ", ")
  if problem and problem ~= "" then text = text .. ": " .. problem end
  return nil, errors.new("join", text, { addresses = addresses })
end

---Starts this process's node and joins the given addresses.
---@async
---@param options table what node_start of the C module takes, and `join`
---@param prepare fun(node: infinitomata.core.Node): true?, finitomata.Error? runs before anybody
---  else knows the node
---@return true?, finitomata.Error?
function M.start(options, prepare)
  while next_up do
    local waiter = task.waiter()
    next_up[#next_up + 1] = waiter
    task.wait(waiter)
  end
  if node then
    return nil, errors.new("already_started", ("node %q runs already"):format(own_name))
  end
  local settings = { on_event = on_event, on_request = on_request }
  for key, value in pairs(options) do settings[key] = value end
  settings.join = nil
  core.on_wake(task.wake)
  local started, code, message = core.node_start(settings)
  if not started then return nil, errors.new(code, message) end
  node, own_name = started, started:self().name
  listen()
  local ready, reason = prepare(started)
  if not ready then
    M.close()
    return nil, reason
  end
  if options.join and #options.join > 0 then
    local ok, err = join(started, options.join)
    if not ok then
      M.close()
      return nil, err
    end
  end
  publish("node")
  return true
end

---Stops the node without a goodbye, and waits until all of it is closed: another
---one can start then.
---@async
function M.close()
  local closing = node
  if not closing then return end
  node, next_up = nil, {}
  local waiter = task.waiter()
  if closing:close(waiter) then task.wait(waiter) end
  local others = next_up
  next_up = nil
  for _, other in ipairs(others) do task.wake(other) end
end

---Says goodbye, then stops the node.
---@async
---@return true
function M.leave()
  if node then
    local waiter = task.waiter()
    if node:leave(waiter) then task.wait(waiter) end
    M.close()
  end
  return true
end

return M
