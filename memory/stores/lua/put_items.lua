-- Put and remove items across conversations, all at once.
-- KEYS  items, item_changes, item_head of a user
-- ARGV  expiry (ms), number of the last change that was read or 'any', now (s), a new epoch,
--       then field, row, field, row, …: an empty row removes
-- gives 1, 0 where something has changed since
local items, changes, head = unpack(KEYS)
local seen = tonumber(redis.call('HGET', head, 'seen') or '0')
if ARGV[2] ~= 'any' and tonumber(ARGV[2]) ~= seen then return 0 end
seen = seen + 1
local removed = seen == 1
for place = 5, #ARGV, 2 do
  local field, row = ARGV[place], ARGV[place + 1]
  if row == '' then
    if redis.call('HDEL', items, field) == 1 then
      redis.call('ZREM', changes, field)
      removed = true
    end
  else
    local before = redis.call('HGET', items, field)
    local created = before and string.match(before, '^[^ ]*') or ARGV[3]
    redis.call('HSET', items, field, created .. ' ' .. row)
    redis.call('ZADD', changes, seen, field)
  end
end
redis.call('HSET', head, 'seen', seen)
if removed then redis.call('HSET', head, 'epoch', ARGV[4]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[1]) end
return 1
