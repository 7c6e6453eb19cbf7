-- Sets the expiry of an entry.
-- KEYS: entry, expiry. ARGV: address, lifetime in milliseconds ('' for ever).
-- Returns the entry as it is afterwards; nothing where none is.
local FORM, SIZE = '>BI8I8I8I2I2', 29
local raw = redis.call('GET', KEYS[1])
if not raw then return false end
if #raw < SIZE or string.byte(raw) ~= 1 then return redis.error_reply('WRONGTYPE no entry') end
local _, created, updated, _, ofversion, ofperson = struct.unpack(FORM, raw)
local mark = ARGV[1] .. '\0' .. string.sub(raw, SIZE + ofversion + 1, SIZE + ofversion + ofperson)
local expires = 0
if ARGV[2] ~= '' then
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  expires = (math.floor(now / 1000) + tonumber(ARGV[2]) + 1) * 1000
end
local head = struct.pack(FORM, 1, created, updated, expires, ofversion, ofperson)
redis.call('SETRANGE', KEYS[1], 0, head)
if expires == 0 then
  redis.call('PERSIST', KEYS[1])
  redis.call('ZREM', KEYS[2], mark)
else
  redis.call('ZADD', KEYS[2], string.format('%.0f', expires / 1000), mark)
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expires / 1000 - 1))
end
return head .. string.sub(raw, SIZE + 1)
