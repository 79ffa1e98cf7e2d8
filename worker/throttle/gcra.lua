-- Reserves consecutive slots of an account's timeline: reserve() of gcra.py, run by Redis.
--
-- KEYS[1]  the account's cell: a hash of tat, run, cool_until, cool_span
-- ARGV     interval_us, want, horizon_us, max_block_us; tests add now_us
-- Returns  {granted, delay_us, wait_us}
--
-- Commands of Redis 6.2. Lua's numbers are doubles: whole up to 2^53, which microseconds reach in
-- the year 2255, but '..' and tostring() would print only 14 digits of them, hence whole().

local interval = tonumber(ARGV[1])
local want = tonumber(ARGV[2])
local horizon = tonumber(ARGV[3])
local max_block = tonumber(ARGV[4])
local now = tonumber(ARGV[5])

-- An idle cell is kept for a day; a lost one costs a new wait for everything still outstanding.
local KEEP_MS = 86400000

local function whole(number)
  return string.format('%.0f', number)
end

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A server that restarts from a snapshot, or a replica that takes over, may bring back an old TAT.
-- So a TAT counts only in the run of the server that wrote it.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''

local cell = redis.call('HMGET', KEYS[1], 'tat', 'run', 'cool_until', 'cool_span')
local furthest = now + horizon + math.max(max_block, interval)
local tat = furthest
if cell[1] and cell[2] == run then
  tat = math.min(tonumber(cell[1]), furthest)
end
local cool_span = tonumber(cell[4] or 0)
local cool_until = math.min(tonumber(cell[3] or 0), now + cool_span)

local delay = math.max(now, tat, cool_until) - now
local granted, wait = 0, 0
if delay > horizon then
  wait = delay - horizon
  delay = 0
else
  granted = math.min(want, math.max(1, math.floor(max_block / interval)))
  tat = now + delay + granted * interval
end

redis.call('HSET', KEYS[1], 'tat', whole(tat), 'run', run,
  'cool_until', whole(cool_until), 'cool_span', whole(cool_span))
local ahead = math.max(tat, cool_until, now) - now
redis.call('PEXPIRE', KEYS[1], whole(math.ceil(ahead / 1000) + KEEP_MS))
return {granted, delay, wait}
