-- Adds to a counter. What is made gets its lifetime in the same step; a hit leaves it.
-- KEYS: value. ARGV: by, lifetime in milliseconds.
-- Returns the sum as text; where it can't be, a list with what is there as text, unchanged.
local sum = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(sum) == 'table' then
  if string.find(sum.err, 'not an integer', 1, true) or string.find(sum.err, 'overflow', 1, true) then
    return {redis.call('GET', KEYS[1]) or '0'}
  end
  return sum
end
if redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
-- as text, since a number of Lua holds 53 bits
return redis.call('GET', KEYS[1])
