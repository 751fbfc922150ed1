-- Signed deliveries.  Arguments: a file with one "signature<tab>body" a line, and the round,
-- which with the count names the delivery, so that none is a repetition of another.
local lines, number, round = {}, 0, ""

function init(args)
  for line in io.lines(args[1]) do
    local tab = line:find("\t", 1, true)
    lines[#lines + 1] = { line:sub(1, tab - 1), line:sub(tab + 1) }
  end
  round = args[2]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["X-WC-Webhook-Source"] = "https://shop.example/"
  wrk.headers["X-WC-Webhook-Topic"] = "order.updated"
  wrk.headers["X-WC-Webhook-Resource"] = "order"
  wrk.headers["X-WC-Webhook-Event"] = "updated"
  wrk.headers["X-WC-Webhook-ID"] = "2"
end

function request()
  number = number + 1
  local line = lines[(number - 1) % #lines + 1]
  wrk.headers["X-WC-Webhook-Signature"] = line[1]
  wrk.headers["X-WC-Webhook-Delivery-ID"] = round .. "-" .. number
  return wrk.format(nil, nil, nil, line[2])
end
