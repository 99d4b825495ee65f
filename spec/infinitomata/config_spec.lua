-- SPDX-License-Identifier: MIT
local config = require "infinitomata.config"

local files = {}

local function written(text)
  local path = os.tmpname()
  files[#files + 1] = path
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local function resolve(flags, environment)
  environment = environment or {}
  return config.resolve(flags or {}, { getenv = function(name) return environment[name] end })
end

local function refused(flags, environment)
  local settings, err = resolve(flags, environment)
  assert.is_nil(settings)
  assert.equal("config", err.code)
  return tostring(err)
end

describe("config.resolve", function()
  after_each(function()
    for _, path in ipairs(files) do os.remove(path) end
    files = {}
  end)

  it("gives defaults when nobody says anything", function()
    local settings, origins = resolve()
    assert.equal("127.0.0.1:7946", settings.bind)
    assert.equal(1000, settings.attempts)
    assert.same({}, settings.join)
    assert.is_nil(settings.name)
    assert.equal("default", origins.bind)
  end)

  it("takes the flag over the environment over the file over the default", function()
    local path = written "return { name = 'file', bind = '1.1.1.1:1', rpc = '1.1.1.1:2' }"
    local settings, origins = resolve({ name = "flag", config = path },
      { INFINITOMATA_NAME = "environment", INFINITOMATA_BIND = "2.2.2.2:2" })
    assert.equal("flag", settings.name)
    assert.equal("2.2.2.2:2", settings.bind)
    assert.equal("1.1.1.1:2", settings.rpc)
    assert.equal("lan", settings.profile)
    assert.same({ "flag --name", "environment INFINITOMATA_BIND", "file " .. path, "default" },
      { origins.name, origins.bind, origins.rpc, origins.profile })
  end)

  it("finds the file through the environment as well", function()
    local path = written "return { id = 'orders' }"
    assert.equal("orders", resolve({}, { INFINITOMATA_CONFIG = path }).id)
  end)

  it("reads lists, maps and counts from texts", function()
    local settings = resolve({ join = "a:1, b:2" },
      { INFINITOMATA_ATTEMPTS = "7", INFINITOMATA_TAGS = "dc=west,role=web server" })
    assert.same({ "a:1", "b:2" }, settings.join)
    assert.equal(7, settings.attempts)
    assert.same({ dc = "west", role = "web server" }, settings.tags)
  end)

  it("lets the file ask the environment, and nothing else", function()
    local path = written "return { name = os.getenv('WHO') }"
    assert.equal("me", resolve({ config = path }, { WHO = "me" }).name)
    assert.matches("attempt to index a nil value %(global 'io'%)",
      refused { config = written "io.open('x')" })
    assert.matches("'execute'", refused { config = written "os.execute('true')" })
  end)

  it("refuses an unknown key and names the nearest one", function()
    assert.matches("unknown key 'rpc_timout' %(did you mean 'rpc_timeout'%?%)",
      refused { config = written "return { rpc_timout = 1 }" })
    assert.matches("unknown key '1'$", refused { config = written "return { 1 }" })
  end)

  it("refuses bytecode", function()
    assert.matches("^/[^:]*: attempt to load a binary chunk",
      refused { config = written(string.dump(function() return {} end)) })
  end)

  it("refuses a file that returns no table, fails, or is not there", function()
    assert.matches("returns a table, not a nil", refused { config = written "local x = 1" })
    assert.matches(":1: no", refused { config = written "return {} .. {}" }:gsub("attempt", "no"))
    assert.matches("No such file", refused { config = "/nowhere/at/all.lua" })
    assert.matches(":1: ", refused { config = written "return {" })
  end)

  it("says who gave a wrong value", function()
    assert.equal("--attempts: an integer from 1 to 2147483647 expected, got 'many'",
      refused { attempts = "many" })
    assert.equal("INFINITOMATA_BIND: HOST:PORT expected, got 'here'",
      refused({}, { INFINITOMATA_BIND = "here" }))
    local path = written "return { profile = 'lam' }"
    assert.equal(path .. ": 'profile': one of lan, wan, local expected, got 'lam'"
      .. " (did you mean 'lan'?)", refused { config = path })
    assert.matches("'tags': a table of texts expected", refused {
      config = written "return { tags = { a = 1 } }" })
    assert.matches("'attempts': an integer",
      refused { config = written "return { attempts = 0.5 }" })
  end)

  it("raises for a flag that is no key", function()
    assert.has_error(function() resolve { nmae = "x" } end,
      "bad argument #1 to 'resolve' (unknown key 'nmae' (did you mean 'name'?))")
  end)

  it("does not hand out its defaults", function()
    resolve().join[1] = "mine"
    assert.same({}, resolve().join)
  end)
end)

describe("config.print", function()
  it("prints a configuration file that means the same, with origins", function()
    local settings, origins = resolve({ name = "a", join = "x:1,y:2" },
      { INFINITOMATA_ATTEMPTS = "3", INFINITOMATA_TAGS = "dc=west" })
    local text = config.print(settings, origins)
    assert.matches('name = "a", +%-%- flag %-%-name', text)
    assert.matches("attempts = 3, +%-%- environment INFINITOMATA_ATTEMPTS", text)
    local path = written(text)
    assert.same(settings, (resolve { config = path }))
    os.remove(path)
  end)

  it("never shows a key", function()
    local text = config.print(resolve({}, { INFINITOMATA_KEY = "c2VjcmV0" }))
    assert.is_nil(text:find("c2VjcmV0", 1, true))
    assert.matches("key is not shown, +%-%- environment INFINITOMATA_KEY", text)
  end)
end)

describe("config.read_keys", function()
  local key = ("A"):rep(43) .. "="

  it("reads one key a line, with remarks", function()
    local path = written("# ours\n" .. key .. " # new\n\nAAAAAAAAAAAAAAAAAAAAAA==\n")
    assert.same({ key, "AAAAAAAAAAAAAAAAAAAAAA==" }, config.read_keys(path))
  end)
  it("reads serf's keyring", function()
    assert.same({ key, key }, config.read_keys(written(('["%s",\n"%s"]\n'):format(key, key))))
  end)
  it("refuses what is no key, with its line, without showing it", function()
    local path = written(key .. "\nc2hvcnQ=\n")
    local keys, err = config.read_keys(path)
    assert.is_nil(keys)
    assert.equal(path .. ":2: a key of 16, 24 or 32 bytes in base 64 expected", tostring(err))
  end)
  it("refuses a file without a key", function()
    assert.matches("no key in it", tostring(select(2, config.read_keys(written "# none\n"))))
    assert.matches("No such file", tostring(select(2, config.read_keys("/nowhere/key"))))
  end)
end)

describe("config.node_options", function()
  it("gives what node.start takes", function()
    local key = ("A"):rep(43) .. "="
    local settings = resolve({ name = "a", attempts = "2" }, { INFINITOMATA_KEY = key })
    local options = config.node_options(settings)
    assert.equal("a", options.name)
    assert.equal(2, options.config.attempts)
    assert.same({ key }, options.keys)
    assert.is_nil(options.log_level)
  end)
  it("refuses a key that is none", function()
    local options, err = config.node_options((resolve({}, { INFINITOMATA_KEY = "short" })))
    assert.is_nil(options)
    assert.equal("config", err.code)
  end)
end)

describe("a configuration that is read again", function()
  it("says what needs a restart, and only that", function()
    local function resolved(flags)
      return (assert(config.resolve(flags, { getenv = function() end })))
    end
    local before = resolved { bind = "127.0.0.1:1", tags = "a=1" }
    assert.same({}, config.restarting(before, resolved { bind = "127.0.0.1:1", tags = "b=1",
      log_level = "debug", attempts = "3", join = "x:1" }))
    assert.same({ "name", "bind", "log_format" }, config.restarting(before,
      resolved { name = "b", bind = "127.0.0.1:2", tags = "a=1", log_format = "json" }))
    assert.same({ "membership" }, config.restarting(before,
      resolved { bind = "127.0.0.1:1", membership = "probe_interval=2000" }))
  end)
end)
