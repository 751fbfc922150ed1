-- Quotes: each request asks for another member.  Arguments: a folder with `bodies` (one a line,
-- by turns; +79000000000 stands for the member's phone) and `headers` (one a line), the number of
-- members, and a seed.  The requests are made once; only the phone in them changes, so that the client stays
-- light.
local before, after, members, number = {}, {}, 0, 0

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(args[1] .. "/headers") do
    local name, value = line:match("^(.-): (.*)$")
    headers[name] = value
  end
  for body in io.lines(args[1] .. "/bodies") do
    local whole = wrk.format("POST", nil, headers, body)
    local from, to = whole:find("+79000000000", 1, true)
    before[#before + 1] = whole:sub(1, from - 1)
    after[#after + 1] = whole:sub(to + 1)
  end
  members = tonumber(args[2])
  math.randomseed(tonumber(args[3]))
end

function request()
  local place = number % #before + 1
  number = number + 1
  local phone = string.format("+7900%07d", math.random(0, members - 1))
  return before[place] .. phone .. after[place]
end
