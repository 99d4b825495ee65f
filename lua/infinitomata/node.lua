-- SPDX-License-Identifier: MIT
--- This process as a member of the cluster.
local branches = require "infinitomata.branches"
local check = require "finitomata.check"
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"
local log = require "finitomata.log"
local membership = require "infinitomata.membership"
local policy = require "infinitomata.policy"

local M = {}

local DEFAULT_BIND = "127.0.0.1:7946"
local NAME_MAX = 128

---What `node.start` takes.
---@class infinitomata.NodeOptions
---@field name? string of its own in the cluster; the host's name when absent
---@field bind? string "HOST:PORT" where gossip listens; "127.0.0.1:7946" when absent, port 0: any
---@field advertise? string "HOST:PORT" where the others reach it, when that is another address
---@field rpc? string "HOST:PORT" for calls; the host of `bind` and any port when absent
---@field join? string|string[] "HOST:PORT,..." of members to ask for the others
---@field key? string 16, 24 or 32 bytes in base 64
---@field keys? string[] several: the first one seals, all of them open
---@field profile? "lan"|"wan"|"local" how patient it is; "lan" when absent
---@field membership? table<string, integer|boolean> constants of failure detection and gossip
---  that are to differ from the profile's; docs/membership.md lists them
---@field label? string a mark of the cluster, the same on all its nodes: others are not heard
---@field tags? table<string, string> which all members see
---@field seed? integer of its chance, for tests
---@field config? infinitomata.Policy the retry policy of this process

---A member of the cluster.
---@class infinitomata.Member
---@field name string
---@field state "alive"|"suspect"|"dead"|"left" as this node sees it
---@field address string "HOST:PORT" of its gossip
---@field rpc? string "HOST:PORT" of its calls; nothing for those that run no FSMs
---@field tags table<string, string> its own word of itself
---@field boot integer larger in each life of a name
---@field incarnation integer it grows when the member renews its word that it lives
---@field health? integer of this node only: 0 (well) to 7
---@field path? infinitomata.Path of all others: how this node reaches it

---How probes of a member by this node were answered.
---@class infinitomata.Path
---@field direct integer    by UDP
---@field indirect integer  only by way of another member
---@field tcp integer       only by TCP: its UDP port cannot be reached, or cannot reach us
---@field failed integer    not at all
---@field rtt number        ms there and back by UDP, smoothed; 0 when none was answered so

local OPTIONS = {
  name = "string",
  bind = "string",
  advertise = "string",
  rpc = "string",
  join = true,
  key = "string",
  keys = "table",
  profile = "string",
  membership = "table",
  label = "string",
  tags = "table",
  seed = "number",
  config = "table",
}

---Raises what is wrong with the constants of membership.
local function check_membership(options)
  local problem = options.membership and membership.fault(options.membership, options.profile)
  if problem then
    check.blame(("bad option 'membership' to 'node.start' (%s)"):format(problem))
  end
end

local function hostname()
  local file = io.open("/proc/sys/kernel/hostname")
  local name = file and file:read("l")
  if file then file:close() end
  return name and name ~= "" and name or "node"
end

local function addresses(join)
  if type(join) == "table" then return join end
  check.optional(join, "string", 1, "node.start") -- the other thing that it may be
  local list = {}
  for address in (join or ""):gmatch("[^,%s]+") do list[#list + 1] = address end
  return list
end

---True when only this machine reaches the address.
local function inner(address)
  local host = address:match "^%[(.-)%]" or address:match "^[^:]*"
  return host:find "^127%." ~= nil or host == "::1" or host == "localhost"
end

---Without a key whoever reaches the node is heard. That is said, and unless it is
---told where to listen it listens to this machine alone.
---@param bind string
---@param rpc? string
local function say_open(bind, rpc)
  if #cluster.node():keys() > 0 then return end
  if not inner(bind) then
    log.warning("without a key: whoever reaches %s may join and call", bind)
  elseif rpc and not inner(rpc) then
    log.warning("without a key: whoever reaches %s may call", rpc)
  else
    log.info("without a key: bound to %s, which only this machine reaches", bind)
  end
end

---Starts this process's node; FSMs that run already are announced to the
---cluster, and the default branch is open from now on.
---@async
---@param options? infinitomata.NodeOptions
---@return table? self what node.self() gives
---@return finitomata.Error? err `address_in_use`, `bad_address`, `bad_name`, `join`, ...
function M.start(options)
  check.options(options, OPTIONS, 1, "node.start")
  options = options or {}
  check_membership(options)
  local name = options.name or hostname()
  if #name < 1 or #name > NAME_MAX then
    local text = "a node's name must have 1 to %d bytes, this one has %d"
    return nil, errors.new("bad_name", text:format(NAME_MAX, #name))
  end
  if options.config then policy.configure(options.config) end
  branches.default()
  local ok, err = cluster.start({
    name = name,
    bind = options.bind or DEFAULT_BIND,
    advertise = options.advertise,
    rpc = options.rpc,
    join = addresses(options.join),
    key = options.keys or options.key,
    profile = options.profile,
    membership = options.membership,
    label = options.label,
    tags = options.tags,
    seed = options.seed,
  }, function(node)
    for _, id in ipairs(branches.ids()) do
      local announced, why = branches.get(id):announce(node)
      if not announced then return nil, why end
    end
    return true
  end)
  if not ok then return nil, err end
  for _, id in ipairs(branches.ids()) do cluster.synch(id) end -- who is silent now comes later
  say_open(options.bind or DEFAULT_BIND, options.rpc)
  return M.self()
end

---Stops the FSMs of this node, says goodbye and leaves; without a node,
---nothing.
---@async
---@return true
function M.leave()
  if not cluster.node() then return true end
  for _, id in ipairs(branches.ids()) do branches.get(id):leave_cluster() end
  return cluster.leave()
end

local function no_node()
  return nil, errors.new("no_node", "this process runs no node; node.start makes one")
end

---Who this node is.
---@return { name: string, address: string, rpc: string, boot: integer }? self
---@return finitomata.Error? err `no_node`
function M.self()
  local node = cluster.node()
  if node then return node:self() end
  return no_node()
end

---The names of the other live nodes, sorted.
---@return string[]
function M.nodes()
  local node = cluster.node()
  if not node then return {} end
  local me, names = node:self().name, {}
  for _, member in ipairs(node:members()) do
    local live = member.state == "alive" or member.state == "suspect"
    if live and member.rpc and member.name ~= me then names[#names + 1] = member.name end
  end
  table.sort(names)
  return names
end

---Every member that this node knows, itself and the dead included.
---@return infinitomata.Member[]
function M.members()
  local node = cluster.node()
  return node and node:members() or {}
end

local function done(ok, code, message)
  if ok then return true end
  return nil, errors.new(code, message)
end

---Sets a tag of this node, which every member sees, or removes it.
---@param key string
---@param value? string nil removes
---@return true? ok
---@return finitomata.Error? err `invalid` (a tag of our own), `too_big`, `no_node`
function M.set_tag(key, value)
  check.type(key, "string", 1, "set_tag")
  check.optional(value, "string", 2, "set_tag")
  local node = cluster.node()
  if not node then return no_node() end
  return done(node:set_tag(key, value))
end

---Sends a user event to all other members, Serf's agents among them.
---@param name string
---@param payload? string any bytes, as many as fit one datagram: some 1300 with the name
---@return true? ok
---@return finitomata.Error? err `too_big`, `no_node`
function M.send_event(name, payload)
  check.type(name, "string", 1, "send_event")
  check.optional(payload, "string", 2, "send_event")
  local node = cluster.node()
  if not node then return no_node() end
  return done(node:user_event(name, payload))
end

---The fingerprints of this node's keys: 16 hex digits each, by which keys are told
---apart. The first one is of the key that seals; none: nothing is sealed.
---@return string[]
function M.keys()
  local node = cluster.node()
  return node and node:keys() or {}
end

---@param method "add_key"|"use_key"|"remove_key"
local function change_key(method, key)
  check.type(key, "string", 1, method)
  if not cluster.node() then return no_node() end
  return done(cluster.change_keys(method, key))
end

---Has this node open what others seal with the key, the first step of a rotation:
---add the new key on every node, use it on every node, remove the old one on every
---node.
---@param key string in base 64
---@return true?
---@return finitomata.Error? err `invalid`, `no_keys` (started without), `overloaded`, `no_node`
function M.add_key(key)
  return change_key("add_key", key)
end

---Has this node seal with a key that it has, once every node has it.
---@param key string in base 64
---@return true?
---@return finitomata.Error? err `no_such_key`, and as for add_key
function M.use_key(key)
  return change_key("use_key", key)
end

---Forgets a key, once no node seals with it.
---@param key string in base 64
---@return true?
---@return finitomata.Error? err `no_such_key`, `key_in_use` (it seals), and as for add_key
function M.remove_key(key)
  return change_key("remove_key", key)
end

---Takes these keys in place of all it has; the first one seals.
---@param keys string[] in base 64
---@return true?
---@return finitomata.Error? err as for add_key
function M.set_keys(keys)
  check.type(keys, "table", 1, "set_keys")
  if not cluster.node() then return no_node() end
  return done(cluster.change_keys("set_keys", keys))
end

---Calls `fn(what, member)` when something becomes of a member.
---@param fn fun(what: "join"|"update"|"suspect"|"alive"|"fail"|"leave"|"conflict",
---  member: infinitomata.Member)
---@return { cancel: fun(self) } handle
function M.on_member(fn)
  check.type(fn, "function", 1, "on_member")
  return cluster.on("member", function(member, what) fn(what, member) end)
end

---Calls `fn(name, payload)` for every user event of the cluster.
---@param fn fun(name: string, payload: string)
---@return { cancel: fun(self) } handle
function M.on_event(fn)
  check.type(fn, "function", 1, "on_event")
  return cluster.on("user", fn)
end

return M
