-- Quotes: each request asks for another member.  Arguments: a folder with `body` (where PHONE
-- stands for the member's), `token`, and the number of members.
local before, after, members

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  local body = read(args[1] .. "/body")
  local from, to = body:find("PHONE", 1, true)
  before, after = body:sub(1, from - 1), body:sub(to + 1)
  members = tonumber(args[2])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. read(args[1] .. "/token")
  math.randomseed(tonumber(args[3]))
end

function request()
  local phone = string.format("+7900%07d", math.random(0, members - 1))
  return wrk.format(nil, nil, nil, before .. phone .. after)
end
