-- Commit 1 of a turn: append it with its trace, once; or put it in the last turn's place.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES, then the user's index of threads and
--       settings, and the thread's pictures
-- ARGV  turn id, turn, trace, now (s), expiry (ms), thread id, id of the replaced turn or '',
--       heads to roll back to by memory key (JSON), what to add to the totals (JSON), epoch that was read ('' is 0) or
--       'any', then hash and text in turns
-- gives {index, 1 if it was there already}, {-1} where the thread is gone, {-2} where the replaced turn is not the last,
--       {-3} where something was forgotten since it was read: only what it cost is kept
local meta, turns, traces, ids, heads, notes, texts, pending, events, totals = unpack(KEYS, 1, 10)
if redis.call('HEXISTS', meta, 'thread') == 0 or redis.call('HEXISTS', meta, 'deleted') == 1 then return {-1} end
local there = redis.call('HGET', ids, ARGV[1])
if there then return {tonumber(there), 1} end
local gone = tonumber(redis.call('HGET', meta, 'gone') or 0)
if ARGV[10] ~= 'any' and (tonumber(ARGV[10]) or 0) < gone then
  if redis.call('HSETNX', ids, 'refused:' .. ARGV[1], 1) == 1 then
    for field, amount in pairs(cjson.decode(ARGV[9])) do redis.call('HINCRBY', totals, field, amount) end
  end
  redis.call('HDEL', pending, ARGV[1])
  for i = 1, 10 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
  return {-3}
end
local index
if ARGV[7] == '' then
  index = redis.call('RPUSH', turns, ARGV[2]) - 1
  redis.call('RPUSH', traces, ARGV[3])
else
  index = redis.call('LLEN', turns) - 1
  if redis.call('HGET', ids, ARGV[7]) ~= tostring(index) then return {-2} end
  redis.call('LSET', turns, -1, ARGV[2])
  redis.call('LSET', traces, -1, ARGV[3])
  redis.call('HDEL', ids, ARGV[7])
  redis.call('HINCRBY', meta, 'epoch', 1)
  local back, kept, all = cjson.decode(ARGV[8]), {}, redis.call('HGETALL', heads)
  for i = 1, #all, 2 do
    local key, known = all[i], state_in(all[i + 1])
    kept[key] = reach_of(known)
    if kept[key] > index then
      kept[key] = nil
      redis.call('HDEL', heads, key)
      -- No version that speaks of the replaced turn stays, else a fork would take it for valid.
      for _, ref in ipairs(known.notes or {}) do
        local id, newest = string.match(ref, '^(.*):(%d+)$')
        for version = tonumber(newest), 1, -1 do
          local field = key .. '/' .. id .. ':' .. version
          local found = redis.call('HGET', notes, field)
          if found and cjson.decode(found).since <= index then break end
          redis.call('HDEL', notes, field)
        end
      end
    end
  end
  for key, head in pairs(back) do
    if reach_of(state_in(head)) >= (kept[key] or 0) then redis.call('HSET', heads, key, head) end
  end
end
redis.call('HSET', ids, ARGV[1], index)
redis.call('HDEL', pending, ARGV[1])
for field, amount in pairs(cjson.decode(ARGV[9])) do redis.call('HINCRBY', totals, field, amount) end
for i = 11, #ARGV, 2 do redis.call('HSETNX', texts, ARGV[i], ARGV[i + 1]) end
redis.call('ZADD', KEYS[11], ARGV[4], ARGV[6])
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
return {index, 0}
