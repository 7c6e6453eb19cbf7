-- Returns at most so many marks (address, NUL, person) of entries that have expired, the oldest first.
-- KEYS: expiry. ARGV: how many.
local time = redis.call('TIME')
local now = string.format('%.0f', math.floor((time[1] * 1000000 + time[2]) / 1000))
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
