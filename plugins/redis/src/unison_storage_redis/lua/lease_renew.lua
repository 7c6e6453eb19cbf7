-- Lets a lease last from now on, if its owner still holds it.
-- KEYS: lease, last fence. ARGV: owner, lifetime in milliseconds, how long the fence is remembered.
-- Returns 1 where it was held, else 0.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, string.find(held, ' ', 1, true) + 1) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
