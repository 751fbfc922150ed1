-- Signed deliveries.  Arguments: a file with one "signature<tab>body" a line, and the round,
-- which with the count names the delivery, so that none is a repetition of another.
-- The requests are made beforehand; only the delivery's name in them changes.
local heads, tails, number, round = {}, {}, 0, ""

function init(args)
  round = args[2]
  for line in io.lines(args[1]) do
    local tab = line:find("\t", 1, true)
    local whole = wrk.format("POST", nil, {
      ["Content-Type"] = "application/json",
      ["X-WC-Webhook-Source"] = "https://shop.example/",
      ["X-WC-Webhook-Topic"] = "order.updated",
      ["X-WC-Webhook-Resource"] = "order",
      ["X-WC-Webhook-Event"] = "updated",
      ["X-WC-Webhook-ID"] = "2",
      ["X-WC-Webhook-Signature"] = line:sub(1, tab - 1),
      ["X-WC-Webhook-Delivery-ID"] = "DELIVERY",
    }, line:sub(tab + 1))
    local from, to = whole:find("DELIVERY\r", 1, true)
    heads[#heads + 1] = whole:sub(1, from - 1)
    tails[#tails + 1] = whole:sub(to)
  end
end

function request()
  local place = number % #heads + 1
  number = number + 1
  return heads[place] .. round .. "-" .. number .. tails[place]
end
