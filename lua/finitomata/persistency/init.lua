-- SPDX-License-Identifier: MIT

--- What a definition's option `persistency` may be: a table of functions.
---
--- - `load(name, start_payload)` returns
---   - `"created"[, nil, payload]`: nothing is stored, start as usual
---   - `"loaded", state, payload`: go on where it was
---   - `"unknown"[, nil, payload]` or `"failed"`: start as usual, `fsm.lifecycle` says so
---   - `nil, reason`: the start fails
--- - `store(name, payload, info)`, before every transition is committed, returns
---   - nothing, `true` or `"ok"`: stored; a second value is the payload from now on
---   - a table: stored, and this is the payload from now on
---   - `nil`, `false` or `"error"`, and a reason: a veto, the FSM stays as it is
--- - `store_error(name, payload, reason, info)`, optional: an attempt has failed; answers as
---   `store` does, without a payload
---
--- `info` has from, to, event, event_payload, object (the payload before) and
--- definition (the hash of the diagram); of a failed attempt, stage instead of to.
--- Everything is keyed by the FSM's name. Errors in the functions are refusals.
local M = {}

---An adapter that keeps snapshots in memory, for as long as the adapter lives.
---@return finitomata.persistency.Memory
function M.memory()
  return require("finitomata.persistency.memory").new()
end

return M
