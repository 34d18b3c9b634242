-- Delete a thread, which the store itself removes when the time to undo is over; or undo that.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, the user's index of threads, the index of deleted ones,
--       the user's cache, the thread's pictures
-- ARGV  thread id, now (s), time to live from now on (ms), 1 to delete and 0 to restore
-- gives 1, also where it was done before; 0 where the thread is gone
local deleted = redis.call('HGET', KEYS[1], 'deleted')
if redis.call('HEXISTS', KEYS[1], 'thread') == 0 then return 0 end
if (ARGV[4] == '1') == (deleted and true or false) then return 1 end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[1], 'deleted', redis.call('ZSCORE', KEYS[11], ARGV[1]) or ARGV[2])
  redis.call('ZREM', KEYS[11], ARGV[1])
  redis.call('ZADD', KEYS[12], ARGV[2], ARGV[1])
else
  redis.call('HDEL', KEYS[1], 'deleted')
  redis.call('ZREM', KEYS[12], ARGV[1])
  redis.call('ZADD', KEYS[11], deleted, ARGV[1])
  redis.call('PEXPIRE', KEYS[11], ARGV[3])
end
for i = 1, 10 do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
redis.call('PEXPIRE', KEYS[14], ARGV[3])
if ARGV[4] == '1' then
  redis.call('PEXPIRE', KEYS[12], ARGV[3])
  redis.call('UNLINK', KEYS[13])
end
return 1
