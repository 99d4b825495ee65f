-- SPDX-License-Identifier: MIT
--- Ways to resolve a conflict, by name.
return {
  last = "last",
  oldest = "oldest",
  first_in_the_alphabet = function(_, a, b) return a.node < b.node and a or b end,
  earlier = function(_, a, b) return a.at < b.at and "a" or "b" end,
  fails = function() error "no idea" end,
  waits = coroutine.yield,
  nonsense = function() return "c" end,
}
