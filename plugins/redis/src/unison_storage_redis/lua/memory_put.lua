-- Writes an entry if what is expected holds; see entries.py for its form.
-- KEYS: entry, index, expiry, then the set of the person if one is named.
-- ARGV: address, value, version, lifetime, expectation, person.
--   lifetime: milliseconds, '' for ever, or 'k' and then what holds where nothing is there
--   expectation: '*' any, '+' nothing, '!' something, '=' and then the version
-- Returns created, updated, expires (0: never), and 1 where it is fresh; where it is refused, a list of one with what
-- is there (nothing: an empty text).
local FORM, SIZE = '>BI8I8I8I2I2', 29
local entry, address = KEYS[1], ARGV[1]
local raw = redis.call('GET', entry)
local created, expires, version, person = nil, 0, nil, ''
if raw then
  if #raw < SIZE or string.byte(raw) ~= 1 then return redis.error_reply('WRONGTYPE no entry') end
  local _, since, _, till, ofversion, ofperson = struct.unpack(FORM, raw)
  created, expires = since, till
  version = string.sub(raw, SIZE + 1, SIZE + ofversion)
  person = string.sub(raw, SIZE + ofversion + 1, SIZE + ofversion + ofperson)
end

local how, wanted = string.sub(ARGV[5], 1, 1), string.sub(ARGV[5], 2)
if (how == '+' and raw) or (how == '!' and not raw) or (how == '=' and wanted ~= version)
  or (raw and person ~= '' and ARGV[6] ~= '' and person ~= ARGV[6]) then
  return {raw or ''}
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lifetime = ARGV[4]
local keep = string.sub(lifetime, 1, 1) == 'k'
if keep then lifetime = string.sub(lifetime, 2) end
if not (keep and raw) then
  -- one millisecond more than asked, since what is left of this one is too little
  expires = lifetime == '' and 0 or (math.floor(now / 1000) + tonumber(lifetime) + 1) * 1000
end
local updated = raw and math.max(now, created) or now
local owner = ARGV[6] ~= '' and ARGV[6] or person

-- what finds the entry is written before it
if ARGV[6] ~= '' then redis.call('SADD', KEYS[4], address) end
redis.call('ZADD', KEYS[2], 0, address)
if raw and owner ~= person then redis.call('ZREM', KEYS[3], address .. '\0' .. person) end
local mark = address .. '\0' .. owner
if expires == 0 then
  redis.call('ZREM', KEYS[3], mark)
else
  redis.call('ZADD', KEYS[3], string.format('%.0f', expires / 1000), mark)
end
local blob = struct.pack(FORM, 1, created or now, updated, expires, #ARGV[3], #owner) .. ARGV[3] .. owner .. ARGV[2]
if expires == 0 then
  redis.call('SET', entry, blob)
else
  -- the server shows a key up to and including its millisecond
  redis.call('SET', entry, blob, 'PXAT', string.format('%.0f', expires / 1000 - 1))
end
return {created or now, updated, expires, raw and 0 or 1}
