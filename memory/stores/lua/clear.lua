-- Remove everything of a thread but its name and memory; what was read before it can be written no more.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, then the user's cache and the thread's pictures
-- gives how many turns, notes, texts, events and pictures there were; nothing where the thread is gone
local meta, turns, traces, ids, heads, notes, texts, pending, events, totals = unpack(KEYS, 1, 10)
if redis.call('HEXISTS', meta, 'thread') == 0 or redis.call('HEXISTS', meta, 'deleted') == 1 then return {} end
for _, field in ipairs(redis.call('HKEYS', meta)) do
  if string.sub(field, 1, 6) == 'edits:' then redis.call('HDEL', meta, field) end
end
local were = {
  redis.call('LLEN', turns), redis.call('HLEN', notes), redis.call('HLEN', texts), redis.call('LLEN', events),
  redis.call('HLEN', KEYS[12])
}
redis.call('UNLINK', traces, ids, heads, turns, notes, texts, pending, events, totals, KEYS[11], KEYS[12])
redis.call('HSET', meta, 'gone', redis.call('HINCRBY', meta, 'epoch', 1))
return were
