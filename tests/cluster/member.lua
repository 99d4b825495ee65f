-- SPDX-License-Identifier: MIT
--- A node that serves: prints where it is.
print("READY " .. require("infinitomata").node.self().address)
io.stdout:flush()
