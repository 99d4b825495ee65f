-- SPDX-License-Identifier: MIT
local config = require "infinitomata.config"
local keygen = require "infinitomata.cli.keygen"
local run = require("spec.support.cli").run

describe("infinitomata keygen", function()
  it("prints a new key each time", function()
    local status, first = run("keygen")
    local _, second = run("keygen")
    assert.equal(0, status)
    assert.are_not.equal(first, second)
    assert.matches("^[%w+/]+=\n$", first)
    assert.equal(45, #first)
  end)
  it("prints a key that a key file may hold, of any length", function()
    for bits, length in pairs { ["128"] = 24, ["192"] = 32, ["256"] = 44 } do
      local _, key = run("keygen", "--bits", bits)
      assert.equal(length + 1, #key)
      local path = os.tmpname()
      local file <close> = assert(io.open(path, "w"))
      file:write(key)
      file:flush()
      assert.same({ key:sub(1, -2) }, config.read_keys(path))
      os.remove(path)
    end
  end)
  it("refuses other lengths", function()
    assert.equal(2, (run("keygen", "--bits", "100")))
  end)
end)

describe("keygen.base64", function()
  it("gives the known answers of RFC 4648", function()
    local known = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy", ["\xFF\xFE\xFD"] = "//79", ["\n\n"] = "Cgo=" }
    for bytes, text in pairs(known) do assert.equal(text, keygen.base64(bytes)) end
  end)
end)
