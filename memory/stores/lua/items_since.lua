-- What of a user's items has changed since somebody last asked.
-- KEYS  items, item_changes, item_head of a user
-- ARGV  number of the last change that was read, the epoch that it was read in
-- gives {number of the last change, epoch, 1 where these are all items, field, row, field, row, …}
local items, changes, head = unpack(KEYS)
local known = redis.call('HMGET', head, 'seen', 'epoch')
local seen, epoch = tonumber(known[1] or '0'), known[2] or ''
local answer = {seen, epoch, 0}
if epoch ~= ARGV[2] or seen < tonumber(ARGV[1]) then
  answer[3] = 1
  for _, part in ipairs(redis.call('HGETALL', items)) do answer[#answer + 1] = part end
  return answer
end
if seen > tonumber(ARGV[1]) then
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', changes, '(' .. ARGV[1], '+inf')) do
    answer[#answer + 1] = field
    answer[#answer + 1] = redis.call('HGET', items, field)
  end
end
return answer
