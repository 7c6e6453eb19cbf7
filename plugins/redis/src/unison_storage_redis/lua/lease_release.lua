-- Lets go of a lease, if its owner still holds it.
-- KEYS: lease. ARGV: owner. Returns 1 where it was held, else 0.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, string.find(held, ' ', 1, true) + 1) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
