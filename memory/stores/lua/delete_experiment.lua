-- Delete an experiment, which the store itself removes when the time to undo is over; or undo that.
-- KEYS  the experiment, the user's index of experiments, the index of deleted ones
-- ARGV  experiment id, now (s), time to live from now on (ms), 1 to delete and 0 to restore
-- gives 1, also where it was done before; 0 where the experiment is gone
local known = redis.call('HMGET', KEYS[1], 'record', 'deleted')
if not known[1] then return 0 end
if (ARGV[4] == '1') == (known[2] and true or false) then return 1 end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[1], 'deleted', redis.call('ZSCORE', KEYS[2], ARGV[1]) or ARGV[2])
  redis.call('ZREM', KEYS[2], ARGV[1])
  -- Those whose time is over are gone already.
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', tonumber(ARGV[2]) - tonumber(ARGV[3]) / 1000)
  redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
else
  redis.call('HDEL', KEYS[1], 'deleted')
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('ZADD', KEYS[2], known[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
