-- Reserves consecutive slots on the timelines of several keys: reserve() of gcra.py, run by Redis.
--
-- KEYS     the cells, the account's first: hashes of tat, run, block, cool_until, cool_span
-- ARGV     want, at_least, horizon_us, ahead_us, max_block_us, lag_us, burst, lead_us, then the
--          emission interval of each key in microseconds, 0 for an account without a rate; tests
--          add now_us
-- Returns  {granted, delay_us, wait_us, now_us}
--
-- Commands of Redis 6.2. Lua's numbers are doubles: whole up to 2^53, which microseconds reach in
-- the year 2255, but '..' and tostring() would print only 14 digits of them, hence whole().

local want, at_least = tonumber(ARGV[1]), tonumber(ARGV[2])
local horizon, ahead = tonumber(ARGV[3]), tonumber(ARGV[4])
local max_block, max_lag, burst = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local lead = tonumber(ARGV[8])
local intervals, spacing = {}, 0
for i = 1, #KEYS do
  intervals[i] = tonumber(ARGV[8 + i])
  spacing = math.max(spacing, intervals[i])
end
local now = tonumber(ARGV[9 + #KEYS])

-- An idle cell is kept for a day; a lost one costs a new wait for everything still outstanding.
local KEEP_MS = 86400000

local function whole(number)
  return string.format('%.0f', number)
end

local function reach(i, units)
  if i > 1 then
    -- Its blocks may begin as late as the account's may end.
    return horizon + max_block + math.max(units, 1) * intervals[i]
  end
  return horizon + math.max(max_block, math.max(units, burst) * intervals[i])
end

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A server that restarts from a snapshot, or a replica that takes over, may bring back an old TAT.
-- So a TAT counts only in the run of the server that wrote it.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''

local tats, blocks = {}, {}
local cool_until, cool_span
for i = 1, #KEYS do
  local cell = redis.call('HMGET', KEYS[i], 'tat', 'run', 'block', 'cool_until', 'cool_span')
  blocks[i] = tonumber(cell[3] or 0)
  if intervals[i] == 0 then
    tats[i] = 0
  elseif cell[1] and cell[2] == run then
    tats[i] = math.min(tonumber(cell[1]), now + reach(i, blocks[i]))
  else
    tats[i], blocks[i] = now + reach(i, at_least), at_least
  end
  if i == 1 then
    cool_span = tonumber(cell[5] or 0)
    cool_until = math.min(tonumber(cell[4] or 0), now + cool_span)
  end
end

local own = math.max(now + lead, tats[1], cool_until)
local start = own
for i = 2, #KEYS do
  start = math.max(start, tats[i])
end
local delay, lag = start - now, start - own
local wait = delay - ahead
if intervals[1] > 0 and lag > max_lag then
  -- The account is shared: it must not stand idle until another key is free. Where others keep it
  -- full, its next slot comes nearer to that moment as time passes.
  wait = math.max(wait, math.min(delay - max_lag, math.max(lag - max_lag, max_lag)))
end

local granted = 0
if wait > 0 then
  delay = 0
else
  wait = 0
  local together = #KEYS == 1 and burst or 1
  granted = math.min(want, math.max(together, math.floor(max_block / spacing)))
  -- A faster key has its slots closer together than the units leave: every further one is later.
  for i = 1, #KEYS do
    if intervals[i] > 0 and intervals[i] < spacing then
      local left = max_lag - (i == 1 and lag or 0)
      granted = math.min(granted, 1 + math.floor(left / (spacing - intervals[i])))
    end
  end
  granted = math.max(granted, at_least)
  granted = granted - granted % at_least
  for i = 1, #KEYS do
    if intervals[i] > 0 then
      tats[i], blocks[i] = (i == 1 and own or start) + granted * intervals[i], granted
    end
  end
end

for i = 1, #KEYS do
  local furthest = now
  if intervals[i] > 0 then
    redis.call('HSET', KEYS[i], 'tat', whole(tats[i]), 'run', run, 'block', whole(blocks[i]))
    furthest = math.max(furthest, tats[i])
  end
  if i == 1 then
    redis.call('HSET', KEYS[i], 'cool_until', whole(cool_until), 'cool_span', whole(cool_span))
    furthest = math.max(furthest, cool_until)
  end
  redis.call('PEXPIRE', KEYS[i], whole(math.ceil((furthest - now) / 1000) + KEEP_MS))
end
return {granted, delay, wait, now}
