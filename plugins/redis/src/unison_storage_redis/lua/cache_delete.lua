-- Removes a value and ends the lease for filling it, in one step.
-- KEYS: value, lease for filling. Returns 1 where a value was there, else 0.
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
