-- Keep what can be made again, unless what it was made of was taken away or replaced since.
-- KEYS  the meta key of the thread that it was made of, the user's cache
-- ARGV  epoch of the thread that was read or '', field, value, how many there may be at most, expiry (ms)
-- gives 1, 0 where it is not kept
local known = redis.call('HMGET', KEYS[1], 'thread', 'deleted', 'epoch')
if not known[1] or known[2] or (known[3] or '') ~= ARGV[1] then return 0 end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then redis.call('UNLINK', KEYS[2]) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
