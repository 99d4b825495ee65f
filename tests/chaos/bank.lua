-- SPDX-License-Identifier: MIT
--- One node of the bank: clerks start, credit and close accounts at random
--- until the file `FOLDER/quiet` appears; from then on the node only writes down
--- what it sees and what it runs, as often as it can be asked.
---
---     infinitomata run ... bank.lua FOLDER SEED
local account = require "account"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local folder, seed = arg[1], math.tointeger(arg[2])
local ACCOUNTS, CLERKS, PAUSE_MS = 16, 4, 15

local self = infinitomata.node.self()
local told = { started = 0, credited = 0, closed = 0, fewest = 99 }
local number = 0

math.randomseed(seed)
infinitomata.configure { attempts = 30, rpc_timeout = 1000, backoff_max = 200 }

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function act()
  local name = "account-" .. math.random(ACCOUNTS)
  local dice = math.random(100)
  if dice <= 30 then
    if infinitomata.start_fsm(name, "account") then told.started = told.started + 1 end
  elseif dice <= 95 then
    number = number + 1
    local id = ("%s-%d-%d"):format(self.name, self.boot, number)
    if infinitomata.call(name, "credit", id) then told.credited = told.credited + 1 end
  elseif infinitomata.stop_fsm(name) then
    told.closed = told.closed + 1
  end
end

local function clerk()
  while not exists(folder .. "/quiet") do
    act()
    finitomata.sleep(PAUSE_MS)
  end
end

--- Everything the checker wants to know, in one file that is never half there.
local function write_down()
  local lines = {}
  local function line(...) lines[#lines + 1] = table.concat({ ... }, " ") end
  told.fewest = math.min(told.fewest, #infinitomata.node.nodes() + 1)
  told.conflicts = account.conflicts
  for what, count in pairs(told) do line("told", what, count) end
  for name, row in pairs(infinitomata.all()) do line("view", name, row.node, row.ref) end
  for name, times in pairs(account.running) do
    line("runs", name, times)
    local payload = infinitomata.state(name, "payload")
    if payload and payload.twice > 0 then line("twice", name, payload.twice) end
  end
  local path = ("%s/%s.view"):format(folder, self.name)
  local file = assert(io.open(path .. ".new", "w"))
  file:write(table.concat(lines, "\n"), "\nend\n")
  file:close()
  assert(os.rename(path .. ".new", path))
end

for _ = 1, CLERKS do finitomata.spawn(clerk) end
finitomata.spawn(function()
  while true do
    write_down()
    finitomata.sleep(300)
  end
end)
