-- Makes a key older: it expires so much earlier, and what it says of time is so much earlier. For tests.
-- KEYS: any. ARGV: milliseconds, the key of the expiry of memory, what the keys of its entries begin with.
local by = tonumber(ARGV[1])
if KEYS[1] == ARGV[2] then
  local marks = redis.call('ZRANGE', KEYS[1], 0, -1)
  for _, mark in ipairs(marks) do redis.call('ZINCRBY', KEYS[1], -by, mark) end
  return 1
end
local at = redis.call('PEXPIRETIME', KEYS[1])
if string.sub(KEYS[1], 1, #ARGV[3]) == ARGV[3] then
  local raw = redis.call('GET', KEYS[1])
  if not raw then return 0 end
  local form, created, updated, expires, version, person = struct.unpack('>BI8I8I8I2I2', raw)
  local till = expires == 0 and 0 or expires - by * 1000
  redis.call('SETRANGE', KEYS[1], 0, struct.pack('>BI8I8I8I2I2', form, created - by * 1000, updated - by * 1000, till, version, person))
end
if at >= 0 then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', at - by)) end
return 1
