-- Sends the request bytes of the file args[1] exactly args[2] times, then lets the connections idle:
-- no call is cut off at the end, so that a ledger can be compared with the count.
local bytes
local remaining

function init(args)
  local file = assert(io.open(args[1], "rb"))
  bytes = file:read("*a")
  file:close()
  -- wrk asks for one request at the start only to check it.
  remaining = tonumber(args[2]) + 1
end

function request()
  if remaining == 0 then
    return ""
  end
  remaining = remaining - 1
  return bytes
end
