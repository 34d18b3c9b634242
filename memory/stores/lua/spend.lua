-- Count some more of what may be done so many times in a stretch of time, or say how long to wait.
-- KEYS  the sorted set of what was done
-- ARGV  now (ms), the stretch (ms), the most, how many more, a name for them
-- gives 0, or the milliseconds to wait; then nothing is counted
local now, stretch, most, more = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('ZSCORE', KEYS[1], ARGV[5] .. ':1') then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - stretch))
-- What is said to come was counted before a clock was set back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + stretch), '+inf')
local over = redis.call('ZCARD', KEYS[1]) + more - most
if over > 0 then
  local last = redis.call('ZRANGE', KEYS[1], over - 1, over - 1, 'WITHSCORES')
  return math.max(1, tonumber(last[2]) + stretch - now)
end
for number = 1, more do
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[5] .. ':' .. number)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
