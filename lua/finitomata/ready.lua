-- SPDX-License-Identifier: MIT

--- The ready queue: jobs, each a function and up to three arguments, in the order in
--- which they came. A turn works off the jobs that were ready when it began. With the
--- C module, runtime/bind/ready.c takes its place.
local M = {}

local RESUME <const> = false -- in a function's place: the coroutine beside it goes on
local BATCH_MAX <const> = 4096 -- slots, a power of two; so many jobs are a turn, at most
local LIST_MASK <const> = BATCH_MAX - 1
local SPARE_MAX <const> = 4 -- lists that are kept to be filled again

---@class finitomata.Ready
---@field post fun(fn: function|false, a: any, b: any, c: any) appends a job; `false` and a
---  coroutine have that go on
---@field begin fun(): boolean       whether there are jobs for a turn
---@field next fun(): boolean|thread false: the turn is over; true: call `run`; or what to resume
---@field run fun()                  works jobs off, in the coroutine of the caller
---@field waiting fun(): boolean     whether there are jobs for another turn
---@field observe? fun(on: boolean)  events are measured, or not any more
---@field sender? fun(fsms: table, slow: function): function see `task.sender`
---@field sender_to? fun(branches: table, slow: function, id: any): function `task.sender_to`
---@field hand_on? fun(post: function) gives the jobs that wait for a turn to another queue

---Before the first job of a list: a full inbox is set aside, and a turn asked for.
local function begin_list(q)
  if q.size > 0 then
    q.last_full = q.last_full + 1
    q.full[q.last_full] = q.inbox
    q.inbox, q.size = table.remove(q.spare) or {}, 0
  end
  q.request_turn()
end

local function post(q, fn, a, b, c)
  if q.size & LIST_MASK == 0 then begin_list(q) end
  local list, at = q.inbox, q.size
  list[at + 1] = fn
  list[at + 2] = a
  list[at + 3] = b
  list[at + 4] = c
  q.size = at + 4
end

---A list that was worked off is filled again as it is: what it refers to for a while
---longer is cheaper than to clear each slot.
local function begin(q)
  if q.head <= q.last then return true end
  if q.first_full > q.last_full then
    if q.size == 0 then return false end
    q.batch, q.inbox = q.inbox, q.batch
    q.last, q.size = q.size, 0
  else
    if #q.spare < SPARE_MAX then
      for at = 1, q.last do q.batch[at] = nil end
      q.spare[#q.spare + 1] = q.batch
    end
    q.batch, q.last = q.full[q.first_full], BATCH_MAX
    q.full[q.first_full] = nil
    q.first_full = q.first_full + 1
  end
  q.head = 1
  return true
end

local function next_of(q)
  local head = q.head
  if head > q.last then return false end
  if q.batch[head] ~= RESUME then return true end
  q.head = head + 4
  return q.batch[head + 1]
end

local function run(q)
  while q.head <= q.last do
    local list, at = q.batch, q.head
    local fn = list[at]
    if fn == RESUME then return end
    q.head = at + 4
    fn(list[at + 1], list[at + 2], list[at + 3])
  end
end

local function hand_on(q, to)
  local function each(list, size)
    for at = 1, size, 4 do to(list[at], list[at + 1], list[at + 2], list[at + 3]) end
  end
  for at = q.first_full, q.last_full do each(q.full[at], BATCH_MAX) end
  each(q.inbox, q.size)
  q.full, q.first_full, q.last_full = {}, 1, 0
  q.inbox, q.size = {}, 0
end

---@param request_turn fun() called when there is something to do
---@return finitomata.Ready
function M.new(request_turn)
  -- Jobs are four slots each. `inbox` takes new ones while `batch` is worked off; what
  -- does not fit into one list waits in the next, so that none is ever so large that
  -- to work it off, to grow it, or to mark it would be a pause.
  local q = {
    inbox = {}, size = 0, batch = {}, head = 1, last = 0, full = {}, first_full = 1, last_full = 0,
    spare = {}, request_turn = request_turn,
  }
  return {
    post = function(fn, a, b, c) post(q, fn, a, b, c) end,
    begin = function() return begin(q) end,
    next = function() return next_of(q) end,
    run = function() run(q) end,
    waiting = function() return q.size > 0 or q.first_full <= q.last_full end,
    hand_on = function(to) hand_on(q, to) end,
  }
end

return M
