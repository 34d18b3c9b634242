-- What every memory made of a thread, in one read.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, then the user's cache
-- gives {thread or nil, deleted or nil, epoch or nil, writes or nil, how many turns, pending messages, cached answers,
--        then memory key, head and its notes as a JSON array in turns}
local meta, turns, traces, ids, heads, notes, texts, pending = unpack(KEYS, 1, 8)
local known = redis.call('HMGET', meta, 'thread', 'deleted', 'epoch', 'writes')
local found = {
  known[1], known[2], known[3], known[4], redis.call('LLEN', turns), redis.call('HLEN', pending),
  redis.call('HLEN', KEYS[11])
}
local all = redis.call('HGETALL', heads)
for i = 1, #all, 2 do
  found[#found + 1] = all[i]
  found[#found + 1] = all[i + 1]
  found[#found + 1] = rows_of(notes, all[i], state_in(all[i + 1]).notes or {})
end
return found
