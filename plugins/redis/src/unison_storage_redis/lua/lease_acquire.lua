-- Takes a lease, or renews that of its own holder. The last fence is remembered longer than any lease lasts, so that
-- the next one is greater also where the clock was set back meanwhile.
-- KEYS: lease, last fence. ARGV: owner, lifetime in milliseconds, how long the fence is remembered.
-- Returns the fence as text; nothing while another owner holds the lease.
local held = redis.call('GET', KEYS[1])
if held then
  local gap = string.find(held, ' ', 1, true)
  if string.sub(held, gap + 1) ~= ARGV[1] then
    return false
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return string.sub(held, 1, gap - 1)
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local fence = string.format('%.0f', math.max((tonumber(redis.call('GET', KEYS[2])) or 0) + 1, now))
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], fence, 'PX', ARGV[3])
return fence
