-- One read of a thread; notes a message that is about to be answered, so that a crash does not lose it.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES
-- ARGV  memory key, how many of the newest turns, turn id or '', pending message, 1 where it only says how far an
--       answer is that was noted before: after a clear nothing is noted of it any more
-- gives {thread or nil, deleted or nil, length, newest turns, head of the state or nil, pending messages, epoch or nil,
--        how many edits this memory's notes have or nil, the notes of the state as a JSON array}
local meta, turns, traces, ids, heads, notes, texts, pending = unpack(KEYS, 1, 8)
local known = redis.call('HMGET', meta, 'thread', 'deleted', 'epoch', 'edits:' .. ARGV[1])
if not known[1] or known[2] then return {false, known[2]} end
local noted = ARGV[5] ~= '1' or redis.call('HEXISTS', pending, ARGV[3]) == 1
if ARGV[3] ~= '' and noted and redis.call('HEXISTS', ids, ARGV[3]) == 0 then
  redis.call('HSET', pending, ARGV[3], ARGV[4])
  redis.call('PEXPIRE', pending, math.max(1000, redis.call('PTTL', meta)))
end
local newest = {}
if tonumber(ARGV[2]) > 0 then newest = redis.call('LRANGE', turns, -tonumber(ARGV[2]), -1) end
local head = redis.call('HGET', heads, ARGV[1])
local rows = head and rows_of(notes, ARGV[1], state_in(head).notes or {}) or '[]'
return {known[1], false, redis.call('LLEN', turns), newest, head, redis.call('HVALS', pending), known[3], known[4],
  rows}
