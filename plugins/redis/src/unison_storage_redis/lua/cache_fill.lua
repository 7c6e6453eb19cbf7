-- Writes a value if its owner holds the lease for filling it, and what it had seen is still there. Ends the lease.
-- KEYS: value, lease for filling. ARGV: owner, value, lifetime in milliseconds, what was seen (left out: nothing).
-- Returns 1 where it was written, else 0.
local there = redis.call('GET', KEYS[1])
local held = redis.call('GET', KEYS[2])
if not held or string.sub(held, string.find(held, ' ', 1, true) + 1) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
if (there or nil) ~= ARGV[4] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
