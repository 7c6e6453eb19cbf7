-- Takes an address out of the set of a person, unless an entry there belongs to that person.
-- KEYS: entry, set of the person. ARGV: address, person.
local FORM, SIZE = '>BI8I8I8I2I2', 29
local raw = redis.call('GET', KEYS[1])
if raw and #raw >= SIZE then
  local _, _, _, _, ofversion, ofperson = struct.unpack(FORM, raw)
  if string.sub(raw, SIZE + ofversion + 1, SIZE + ofversion + ofperson) == ARGV[2] then return 0 end
end
return redis.call('SREM', KEYS[2], ARGV[1])
