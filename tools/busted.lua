-- SPDX-License-Identifier: MIT
-- How the test runner starts busted: search paths come from the environment,
-- so that the same specs run under any build.
return {
  _all = {
    pattern = "_spec",
    lpath = "",
    cpath = "",
    ["shuffle-tests"] = true,
    ["shuffle-files"] = true,
  },
}
