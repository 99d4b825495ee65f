std = "lua54"
max_line_length = 100
cache = false
exclude_files = { "build/**", "spec/cases/**" }
files["spec"] = { std = "lua54+busted" }
files["lua/meta"] = { ignore = { "211", "212", "213", "241" } }
files[".busted"] = { std = "lua54" }
