-- Removes an entry if what is expected holds.
-- KEYS: entry, index, expiry. ARGV: address, expectation ('*' any, '=' and then the version, '@' and then the person).
-- Returns the entry that was removed; nothing where none is; where it is refused, a list of one with what is there.
local FORM, SIZE = '>BI8I8I8I2I2', 29
local raw = redis.call('GET', KEYS[1])
if not raw then return false end
if #raw < SIZE or string.byte(raw) ~= 1 then return redis.error_reply('WRONGTYPE no entry') end
local _, _, _, _, ofversion, ofperson = struct.unpack(FORM, raw)
local how, wanted = string.sub(ARGV[2], 1, 1), string.sub(ARGV[2], 2)
local version = string.sub(raw, SIZE + 1, SIZE + ofversion)
local person = string.sub(raw, SIZE + ofversion + 1, SIZE + ofversion + ofperson)
if (how == '=' and wanted ~= version) or (how == '@' and wanted ~= person) then return {raw} end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1] .. '\0' .. person)
return raw
