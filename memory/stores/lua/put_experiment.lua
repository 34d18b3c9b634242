-- Change an experiment's record, or a part of one; a deleted one is not written.
-- KEYS  the experiment, the user's index of experiments, the index of deleted ones
-- ARGV  experiment id, name of the part or '' for the record, its bytes, now (s), expiry (ms), time of what is deleted
--       and of what is not completed (ms), 1 where the experiment is new
-- gives 1, -1 where the experiment is gone
local known = redis.call('HMGET', KEYS[1], 'record', 'deleted')
local new = ARGV[7] == '1'
if known[2] or (not known[1] and not new) then return -1 end
if ARGV[2] == '' then
  redis.call('HSET', KEYS[1], 'record', ARGV[3])
else
  redis.call('HINCRBY', KEYS[1], 'size', #ARGV[3] - redis.call('HSTRLEN', KEYS[1], 'part:' .. ARGV[2]))
  redis.call('HSET', KEYS[1], 'part:' .. ARGV[2], ARGV[3])
end
if known[1] or ARGV[2] == '' then
  redis.call('ZADD', KEYS[2], 'NX', ARGV[4], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
else
  -- It stands among the deleted ones until it is complete, so that whatever erases them finds it.
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
end
return 1
