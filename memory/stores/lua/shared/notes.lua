-- Goes before every script: what a head ("revision state") says, and the notes that it names, which stand elsewhere.
local function state_in(head) return cjson.decode(string.match(head, '^%S+ (.*)$')) end
local function reach_of(state) return state.reach or state.covered or 0 end
local function rows_of(notes, key, refs)
  local rows = {}
  -- In pieces, as no command takes any number of arguments.
  for first = 1, #refs, 1000 do
    local fields = {}
    for i = first, math.min(first + 999, #refs) do fields[#fields + 1] = key .. '/' .. refs[i] end
    for _, row in ipairs(redis.call('HMGET', notes, unpack(fields))) do rows[#rows + 1] = row or nil end
  end
  return '[' .. table.concat(rows, ',') .. ']'
end
