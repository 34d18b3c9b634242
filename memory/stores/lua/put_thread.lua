-- Create a thread or change its title, memory or settings; a deleted one is not written.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, then the user's index of threads
-- ARGV  thread, now (s), expiry (ms), thread id, 1 if it may be created
-- gives 1, -1 where the thread is gone
local known = redis.call('HMGET', KEYS[1], 'thread', 'deleted')
if known[2] or (not known[1] and ARGV[5] == '0') then return -1 end
redis.call('HSET', KEYS[1], 'thread', ARGV[1])
redis.call('ZADD', KEYS[11], known[1] and 'NX' or 'GT', ARGV[2], ARGV[4])
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return 1
