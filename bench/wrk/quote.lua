-- Quotes: each request asks for another member.  Arguments: a folder with `body` (where
-- +79000000000 stands for the member's phone), `token`, the number of members, and a seed.
-- The request is made once; only the phone in it changes, so that the client stays light.
local before, after, members

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  local headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. read(args[1] .. "/token"),
  }
  local whole = wrk.format("POST", nil, headers, read(args[1] .. "/body"))
  local from, to = whole:find("+79000000000", 1, true)
  before, after = whole:sub(1, from - 1), whole:sub(to + 1)
  members = tonumber(args[2])
  math.randomseed(tonumber(args[3]))
end

function request()
  return before .. string.format("+7900%07d", math.random(0, members - 1)) .. after
end
