import { createHash } from 'node:crypto';

/** Another text is another version: its name changes with it. */
const VERSION = 1;
export const FUNCTION_NAME = `asof_rows_${VERSION}`;

/**
 * All that writes, as one function of the server, so that fences and marks are looked at in the same
 * moment as rows change (semantics §4). The first key is the bucket's control record, and all keys
 * are of one slot. It answers `OK …`, or `FENCED`, `LOST`, `AHEAD`, of which none changes anything.
 */
const BODY = `
local function check(g, e, c, m)
  return (g % 65521 * 30011 + e % 65521 * 7919 + c % 65521 * 40503 + m % 65521 * 104729 + 257) % 65536
end

local function load(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local f, g, e, c, m, h, k = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%d+)$')
  if f ~= '1' then return nil end
  local b = { g = tonumber(g), e = tonumber(e), c = tonumber(c), m = tonumber(m), h = h }
  if check(b.g, b.e, b.c, b.m) ~= tonumber(k) then return nil end
  return b
end

local function save(key, b)
  redis.call('SET', key, string.format('1 %.0f %.0f %.0f %.0f %s %.0f',
    b.g, b.e, b.c, b.m, b.h, check(b.g, b.e, b.c, b.m)))
end

local function u48(s, at)
  local a, b, c, d, e, f = string.byte(s, at, at + 5)
  return a + b * 256 + c * 65536 + d * 16777216 + e * 4294967296 + f * 1099511627776
end

local function tail(commit)
  local bytes = {}
  local rest = commit
  for i = 1, 6 do
    bytes[i] = string.char(rest % 256)
    rest = math.floor(rest / 256)
  end
  local sum = (commit % 65521 * 40503 + 257) % 65536
  return table.concat(bytes) .. string.char(sum % 256, math.floor(sum / 256))
end

-- The generation and commit of a record's head, or nil where they are damaged.
local function fence(head)
  if #head < 20 or string.byte(head, 1) ~= 1 then return nil end
  local g, c = u48(head, 7), u48(head, 13)
  local low, high = string.byte(head, 19, 20)
  if (g % 65521 * 30011 + c % 65521 * 40503 + 257) % 65536 ~= low + high * 256 then return nil end
  return g, c
end

local function put(key, before, record, expires, a, nowMs)
  local head = redis.call('GETRANGE', key, 0, 19)
  local ending
  if #head == 0 and redis.call('EXISTS', key) == 0 then
    ending = tail(0)
  else
    local g, c = fence(head)
    if g and (g > a.g or (g == a.g and c >= a.c)) then return end
    if expires > 0 then
      local left = redis.call('PTTL', key)
      expires = math.max(expires, nowMs + a.keepMs, nowMs + left)
    end
    if g and c > a.begun then
      ending = redis.call('GETRANGE', key, -8, -1)
    else
      ending = tail(g and c or 1)
      redis.call('RENAME', key, before)
    end
    redis.call('PEXPIRE', before, a.keepMs)
  end
  if expires > 0 then
    redis.call('SET', key, record .. ending, 'PX', string.format('%.0f', math.max(1, expires - nowMs)))
  else
    redis.call('SET', key, record .. ending)
  end
end

local function write(keys, args, b)
  local a = { g = b.g, c = tonumber(args[6]), begun = tonumber(args[7]), keepMs = tonumber(args[8]) }
  -- What any reader may have seen already is kept: other buckets may have published more than this.
  if b.h ~= '-' then a.begun = math.max(a.begun, b.c) end
  local now = redis.call('TIME')
  local nowMs = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
  for i = 2, #keys, 2 do
    put(keys[i], keys[i + 1], args[7 + i], tonumber(args[8 + i]), a, nowMs)
  end
end

local function rows(keys, args)
  local op, g = args[1], tonumber(args[2])
  local b = load(keys[1])
  if op == 'acquire' then
    if b and b.g >= g then return string.format('FENCED %.0f', b.g) end
    local was = redis.call('GET', keys[1]) or ''
    -- Of a newer asof: that is not for us to change.
    if not b and string.match(was, '^[1-9]%d* ') and not string.match(was, '^1 ') then return 'OK ' .. was end
    b = b or { e = 0, c = 0, h = '-' }
    b.g, b.m = g, 0
    save(keys[1], b)
    return 'OK ' .. was
  end
  if not b or b.g < g then return 'LOST' end
  if b.g > g then return 'FENCED' end
  local e = tonumber(args[3])
  if op == 'clear' then
    if b.e < e then save(keys[1], { g = g, e = e, c = 0, m = 0, h = '-' }) end
    return 'OK'
  end
  if b.e ~= e then return 'LOST' end
  if op == 'drop' then
    for i = 2, #keys do redis.call('UNLINK', keys[i]) end
  elseif op == 'expire' then
    for i = 2, #keys do
      local head = redis.call('GETRANGE', keys[i], 0, 5)
      if string.byte(head, 6) == 1 then redis.call('PEXPIRE', keys[i], args[4]) end
    end
  elseif op == 'head' then
    redis.call('SET', keys[2], args[4])
  elseif op == 'forget' then
    redis.call('PEXPIRE', keys[2], args[4])
  else
    local least, mark = tonumber(args[4]), tonumber(args[5])
    if b.m < least then return 'LOST' end
    if b.m >= mark and op == 'write' then return 'OK' end
    if op == 'publish' then
      if b.h ~= '-' and tonumber(args[6]) < b.c then return string.format('AHEAD %.0f', b.c) end
      b.c, b.h = tonumber(args[6]), args[7]
      save(keys[1], b)
    else
      local was = { g = b.g, e = b.e, c = b.c, h = b.h }
      b.m = mark
      -- First of all, because it is refused where memory is short: then nothing has changed.
      save(keys[1], b)
      write(keys, args, was)
    end
  end
  return 'OK'
end
`;

/** For FUNCTION LOAD. */
export const FUNCTION_LIBRARY = `#!lua name=${FUNCTION_NAME}\n${BODY}\nredis.register_function('${FUNCTION_NAME}', rows)`;

/** For EVALSHA, where functions are not there or not allowed. */
export const SCRIPT = `${BODY}\nreturn rows(KEYS, ARGV)`;
export const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex');
