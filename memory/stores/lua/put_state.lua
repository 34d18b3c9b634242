-- Commit 2 of a turn: what the memory made of it, if nobody wrote that state in between, and the completed trace.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES
-- ARGV  memory key, revision that was read or '', new revision, state or '' for no change, turn id or '', trace,
--       'edit' or 'event' if the trace is an event of its own else '', what to add to the totals (JSON), how many turns the state covers,
--       epoch that was read or '', texts by hash (JSON), epoch since when nothing may have been forgotten ('' is 0) or
--       'any', the trace without its errors' words for where something was ('' where it has none), then field and note
--       in turns
-- gives 1, 0 where another writer was first or turns that it knows are gone, -1 where the thread is gone
local meta, turns, traces, ids, heads, notes, texts, pending, events, totals = unpack(KEYS, 1, 10)
if redis.call('HEXISTS', meta, 'thread') == 0 or redis.call('HEXISTS', meta, 'deleted') == 1 then return -1 end
if ARGV[4] ~= '' then
  if (redis.call('HGET', meta, 'epoch') or '') ~= ARGV[10] then return 0 end
  if tonumber(ARGV[9]) > redis.call('LLEN', turns) then return 0 end
  local current = string.match(redis.call('HGET', heads, ARGV[1]) or '', '^%S+') or ''
  if current ~= ARGV[3] then
    if current ~= ARGV[2] then return 0 end
    redis.call('HSET', heads, ARGV[1], ARGV[3] .. ' ' .. ARGV[4])
    for i = 14, #ARGV, 2 do redis.call('HSET', notes, ARGV[i], ARGV[i + 1]) end
  end
end
local trace, gone = ARGV[6], tonumber(redis.call('HGET', meta, 'gone') or 0)
if ARGV[13] ~= '' and ARGV[12] ~= 'any' and (tonumber(ARGV[12]) or 0) < gone then trace = ARGV[13] end
if ARGV[5] ~= '' then
  redis.call('HINCRBY', meta, 'writes', 1)
  for hash, text in pairs(cjson.decode(ARGV[11])) do redis.call('HSET', texts, hash, text) end
  if ARGV[7] == '' then
    local index = redis.call('HGET', ids, ARGV[5])
    local forgotten = redis.call('HEXISTS', ids, 'forgotten:' .. ARGV[5]) == 1
    if index and not forgotten then redis.call('LSET', traces, index, trace) end
  end
  if redis.call('HSETNX', ids, 'written:' .. ARGV[5], 1) == 1 then
    if ARGV[7] ~= '' then redis.call('RPUSH', events, trace) end
    if ARGV[7] == 'edit' then redis.call('HINCRBY', meta, 'edits:' .. ARGV[1], 1) end
    for field, amount in pairs(cjson.decode(ARGV[8])) do redis.call('HINCRBY', totals, field, amount) end
  end
end
local ttl = redis.call('PTTL', meta)
if ttl > 0 then for i = 1, 10 do redis.call('PEXPIRE', KEYS[i], ttl) end end
return 1
