-- Adds to a counter; lifetime and person are set where it is made.
-- KEYS: entry, index, expiry, scratch, then the set of the person if one is named.
-- ARGV: address, by, version, lifetime in milliseconds ('' for ever), person.
-- Returns the sum as text; where it can't be, a list with the value that is there, unchanged.
local FORM, SIZE = '>BI8I8I8I2I2', 29
local raw = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local created, expires, person, value = now, 0, ARGV[5], '0'
if raw then
  if #raw < SIZE or string.byte(raw) ~= 1 then return redis.error_reply('WRONGTYPE no entry') end
  local _, since, _, till, ofversion, ofperson = struct.unpack(FORM, raw)
  local start = SIZE + ofversion
  created, expires = since, till
  person, value = string.sub(raw, start + 1, start + ofperson), string.sub(raw, start + ofperson + 1)
elseif ARGV[4] ~= '' then
  expires = (math.floor(now / 1000) + tonumber(ARGV[4]) + 1) * 1000
end

-- the server adds 64 bits, and a number of Lua has 53
redis.call('SET', KEYS[4], value, 'PX', 1000)
local sum = redis.pcall('INCRBY', KEYS[4], ARGV[2])
local text = redis.call('GET', KEYS[4])
redis.call('DEL', KEYS[4])
if type(sum) == 'table' then
  if string.find(sum.err, 'not an integer', 1, true) or string.find(sum.err, 'overflow', 1, true) then
    return {value}
  end
  return sum
end

if not raw and person ~= '' then redis.call('SADD', KEYS[5], ARGV[1]) end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
if expires ~= 0 then
  redis.call('ZADD', KEYS[3], string.format('%.0f', expires / 1000), ARGV[1] .. '\0' .. person)
end
local updated = math.max(now, created)
local blob = struct.pack(FORM, 1, created, updated, expires, #ARGV[3], #person) .. ARGV[3] .. person .. text
if expires == 0 then
  redis.call('SET', KEYS[1], blob)
else
  redis.call('SET', KEYS[1], blob, 'PXAT', string.format('%.0f', expires / 1000 - 1))
end
return text
