-- SPDX-License-Identifier: MIT
-- Stands for a service manager: listens at the path that is its argument, and
-- prints a line for each datagram, with "|" for its line ends.
local socket = require "socket.unix".dgram()
assert(socket:bind(arg[1]))
io.stdout:setvbuf "line"
print "listening"
while true do print((assert(socket:receive()):gsub("\n", "|"))) end
