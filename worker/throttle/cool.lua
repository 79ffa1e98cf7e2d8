-- Lets an account rest: cool() of gcra.py, run by Redis.
--
-- KEYS[1]  the account's cell, see gcra.lua
-- ARGV     span_us; tests add now_us
-- Returns  what is left of the cool-down, in microseconds

local span = tonumber(ARGV[1])
local now = tonumber(ARGV[2])

local KEEP_MS = 86400000

local function whole(number)
  return string.format('%.0f', number)
end

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local cell = redis.call('HMGET', KEYS[1], 'cool_until', 'cool_span')
local cool_span = tonumber(cell[2] or 0)
local cool_until = math.min(tonumber(cell[1] or 0), now + cool_span)
if now + span > cool_until then
  cool_until = now + span
  cool_span = span
end

redis.call('HSET', KEYS[1], 'cool_until', whole(cool_until), 'cool_span', whole(cool_span))
local left = math.max(cool_until - now, 0)
-- Never sooner than the key would have gone anyway: its TAT may lie further ahead.
local keep = math.max(math.ceil(left / 1000) + KEEP_MS, redis.call('PTTL', KEYS[1]))
redis.call('PEXPIRE', KEYS[1], whole(keep))
return left
