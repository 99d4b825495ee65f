-- SPDX-License-Identifier: MIT
--- `infinitomata keygen`: a key for a cluster, as the nodes' --key-file wants it.
local M = {}

local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

---Base 64 with padding (RFC 4648, section 4).
---@param bytes string
---@return string
function M.base64(bytes)
  local text = bytes:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local out = {}
    for i = 0, #group do
      local digit = bits >> (18 - 6 * i) & 63
      out[#out + 1] = DIGITS:sub(digit + 1, digit + 1)
    end
    return table.concat(out) .. ("="):rep(3 - #group)
  end)
  return text
end

---@param count integer
---@return string? bytes from the system's source of randomness
---@return string? problem
local function random_bytes(count)
  local file <close>, problem = io.open("/dev/urandom", "rb")
  if not file then return nil, problem end
  file:setvbuf("no")
  local bytes = file:read(count)
  if not bytes or #bytes ~= count then return nil, "/dev/urandom gave too little" end
  return bytes
end

function M.describe(parser)
  parser:epilog("The key goes to standard output. Keep it in a file that only the node's user can\n"
    .. "read, the same on every node, and name that file with --key-file.")
  parser:option("--bits", "Length of the key.", "256"):choices { "128", "192", "256" }
end

function M.run(options, terminal)
  local bytes, problem = random_bytes(tonumber(options.bits) // 8)
  if not bytes then return nil, problem end
  terminal:say(M.base64(bytes))
end

return M
