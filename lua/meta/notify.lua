---@meta infinitomata.core
-- SPDX-License-Identifier: MIT

---@class infinitomata.core
local core = {}

---Tells the service manager something: lines of KEY=value, as sd_notify(3) has
---them. Never waits.
---@param path string of its socket, or "@" and a name
---@param text string
---@return true?
---@return string? why
function core.sd_notify(path, text) end

return core
