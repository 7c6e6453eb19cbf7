-- Takes the mark of an entry that has expired out of index and expiry.
-- KEYS: entry, index, expiry. ARGV: address, mark. Returns 1 where the entry is gone, 0 where the mark is an old one.
local raw = redis.call('GET', KEYS[1])
if not raw then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return redis.call('ZREM', KEYS[3], ARGV[2])
end
-- written anew meanwhile, for another person: then the mark is nobody's; else it has not expired yet
if #raw < 29 then return 0 end
local _, _, _, _, ofversion, ofperson = struct.unpack('>BI8I8I8I2I2', raw)
if ARGV[1] .. '\0' .. string.sub(raw, 30 + ofversion, 29 + ofversion + ofperson) ~= ARGV[2] then
  redis.call('ZREM', KEYS[3], ARGV[2])
end
return 0
