-- Forget a turn or a note: a tombstone in its place, and everything that was made of it put back; all of it at once.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, then the user's cache and the thread's pictures
-- ARGV  epoch that was read or '', how many turns there were, how many traces had been written, id of the event, the
--       event, thread where its title goes else '', and as JSON: revisions that were read by memory key; heads to put;
--       notes to put; their texts to put; fields of notes to remove; texts to remove; traces by index; all events where
--       any changes; how many edits each memory has by its key; pictures to remove; then of a turn its index, id,
--       tombstone and what is left of its trace
-- gives 1, 0 where anything was written since it was read, -1 where the thread is gone
local meta, turns, traces, ids, heads, notes, texts, pending, events, totals = unpack(KEYS, 1, 10)
local known = redis.call('HMGET', meta, 'thread', 'deleted', 'epoch', 'writes')
if not known[1] or known[2] then return -1 end
if redis.call('HEXISTS', ids, 'written:' .. ARGV[4]) == 1 then return 1 end
if (known[3] or '') ~= ARGV[1] or redis.call('LLEN', turns) ~= tonumber(ARGV[2]) then return 0 end
if (known[4] or '0') ~= ARGV[3] or (ARGV[17] and redis.call('HGET', ids, ARGV[18]) ~= ARGV[17]) then return 0 end
local count = 0
for key, revision in pairs(cjson.decode(ARGV[7])) do
  count = count + 1
  if (string.match(redis.call('HGET', heads, key) or '', '^%S+') or '') ~= revision then return 0 end
end
if redis.call('HLEN', heads) ~= count then return 0 end
if ARGV[17] then
  redis.call('LSET', turns, ARGV[17], ARGV[19])
  redis.call('LSET', traces, ARGV[17], ARGV[20])
  redis.call('HSET', ids, 'forgotten:' .. ARGV[18], 1)
end
for key, head in pairs(cjson.decode(ARGV[8])) do redis.call('HSET', heads, key, head) end
for field, note in pairs(cjson.decode(ARGV[9])) do redis.call('HSET', notes, field, note) end
for hash, text in pairs(cjson.decode(ARGV[10])) do redis.call('HSET', texts, hash, text) end
for _, field in ipairs(cjson.decode(ARGV[11])) do redis.call('HDEL', notes, field) end
for _, hash in ipairs(cjson.decode(ARGV[12])) do redis.call('HDEL', texts, hash) end
for index, trace in pairs(cjson.decode(ARGV[13])) do redis.call('LSET', traces, index, trace) end
local all = cjson.decode(ARGV[14])
if #all > 0 then redis.call('DEL', events) end
for _, event in ipairs(all) do redis.call('RPUSH', events, event) end
redis.call('RPUSH', events, ARGV[5])
for key, edits in pairs(cjson.decode(ARGV[15])) do redis.call('HSET', meta, 'edits:' .. key, edits) end
for _, id in ipairs(cjson.decode(ARGV[16])) do redis.call('HDEL', KEYS[12], id) end
if ARGV[6] ~= '' then redis.call('HSET', meta, 'thread', ARGV[6]) end
redis.call('UNLINK', pending, KEYS[11])
redis.call('HSET', ids, 'written:' .. ARGV[4], 1)
redis.call('HSET', meta, 'gone', redis.call('HINCRBY', meta, 'epoch', 1))
local ttl = redis.call('PTTL', meta)
if ttl > 0 then for i = 1, 10 do redis.call('PEXPIRE', KEYS[i], ttl) end end
return 1
