-- Take, renew or give back what one holder at a time has.
-- KEYS  the claim
-- ARGV  the holder, for how long (ms); 0 gives it back
-- gives who has it afterwards or, where it was given back, ''
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return ''
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
