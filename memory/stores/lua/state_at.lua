-- A memory's state as it was when it covered so many turns.
-- KEYS  the thread's keys in the order of redis_calls.py's NAMES
-- ARGV  memory key, how many turns
-- gives {head, its notes as a JSON array} where no part of it covers more, else {false, of each note the version that was
--        valid then, as a JSON array}
local heads, notes = KEYS[5], KEYS[6]
local head = redis.call('HGET', heads, ARGV[1])
if not head then return {false, '[]'} end
local known, length = state_in(head), tonumber(ARGV[2])
if reach_of(known) <= length then return {head, rows_of(notes, ARGV[1], known.notes or {})} end
local rows = {}
for _, ref in ipairs(known.notes or {}) do
  local id, newest = string.match(ref, '^(.*):(%d+)$')
  -- Versions follow each other in time: the last one not after that length is found by halving.
  local low, high, valid = 1, tonumber(newest), false
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local row = redis.call('HGET', notes, ARGV[1] .. '/' .. id .. ':' .. middle)
    if row and cjson.decode(row).since <= length then
      valid, low = row, middle + 1
    elseif row then
      high = middle - 1
    else
      low = middle + 1
    end
  end
  if valid then rows[#rows + 1] = valid end
end
return {false, '[' .. table.concat(rows, ',') .. ']'}
