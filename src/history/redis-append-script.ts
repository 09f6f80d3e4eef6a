/**
 * Appends a batch: numbers its groups, keeps them, and publishes them to all nodes, in one step.
 *
 * A group is what one channel gets at once, as one entry. The script does not look into entries: it keeps them as they come,
 * and publishes them with their positions before them (protocol/sequenced-frame.ts).
 *
 * **Once.** A batch has a number that grows, per node and shard. The last one that was carried out is remembered with its
 * result: the same number gets the same answer and appends nothing; a smaller one is an attempt that was given up and
 * comes late, and is refused.
 *
 * **Whole.** Redis does not roll back. What may be refused is looked at before the first write. That one is to a log, and
 * refused by a server that is out of memory, or a replica, as every other one would be. A log that cannot take an entry (its
 * type or its last id is not ours) begins anew, under another epoch.
 *
 * **Cheap.** On Redis 7.0 a command costs a microsecond here, an argument a tenth, and each byte of each string that Lua
 * makes two nanoseconds, because it is hashed. So everything is read by one command, numbers come packed, bytes
 * are joined once, and a log is trimmed now and then: what is left over is at most an eighth, and what Redis stores together.
 *
 * **Latest values.** The node says where in an entry keys and payloads stand, the newest of each key only. A group that would keep
 * more than may be kept is refused, if it is what one publisher published at once. Otherwise some of it may have room: then
 * it, and what follows it in its channel, is left for the node to try one by one.
 *
 * KEYS  generation, batch; the numbering of each group; the idempotency keys of those that have one; the hashes of those that
 *       keep the latest values; the log of each group; the pub/sub channel
 * ARGV  claim, number of the batch, a random epoch; for each group six numbers of 32 bits: how many publications, where
 *       its retention stands in ARGV, where in KEYS its idempotency key stands and where its hash, 0 for none, how many keys it
 *       has, and 1 if it is of many; for each of these keys six: which publication of the group it is of, from 1, its kind,
 *       or 3 if it is deleted, and from where to where in the entry the key and the payload stand; for each retention
 *       its size, the ttl of the log in ms, that of the numbering, and the bounds of the latest values, keys and bytes; then
 *       the pieces of the frame: its start, the start of its entries, and for each group what stands before the entry, and the
 *       entry
 * Reply 'generation' if the claim does not hold, 'stale' for a late attempt, else 'done' and per group epoch, offset of
 *       the last publication, and '0', '1' for a duplicate, '2' for what is refused, '3' for what is to be tried one by one
 */
import { keyOverheadBytes } from '../channel/latest-values.ts';
import { entryTimeAt } from '../protocol/sequenced-frame.ts';
import { idempotencyTtlMs, numberingTtlMs } from './history.ts';
import { valueHeadBytes } from './redis-latest-value.ts';
import { redisScript } from './redis-script.ts';

/** Where the first retention stands in ARGV, from 1, and how many values it has. */
export const firstRetentionArg = 6;
export const argsPerRetention = 5;
export const numbersPerGroup = 6;
export const numbersPerKey = 6;

/** Redis puts so many values on the stack of Lua at once that three times as many keys are within its limit of 8,000. */
export const maxGroups = 2_000;

/** Longer than anybody tries to append the same batch. */
const batchMemoryMs = 60_000;

export const appendScript = redisScript(`
local bytesPerGroup, bytesPerKey = ${numbersPerGroup * 4}, ${numbersPerKey * 4}
-- Of a value in a hash, beside its payload; and what is counted for a key beside itself and its value.
local headBytes, overhead = ${valueHeadBytes}, ${keyOverheadBytes - valueHeadBytes}
local sub = string.sub
local groups = #ARGV[4] / bytesPerGroup
local firstLog = #KEYS - groups
local values = redis.call('MGET', unpack(KEYS, 1, firstLog - 1))

local last = values[2] and string.match(values[2], '^%d+')
if last then
  local ahead = tonumber(last) - tonumber(ARGV[2])
  if ahead == 0 then return 'done' .. string.sub(values[2], #last + 1) end
  if ahead > 0 then return 'stale' end
end
local generation = values[1] == ARGV[1] and string.match(ARGV[1], ' ([%w_-]+)$')
if not generation then return 'generation' end

-- What comes after the first write must not be refused then. (Before Redis 7 nobody can ask.)
local may = redis.acl_check_cmd
if may and not (may('PUBLISH', KEYS[#KEYS], '') and may('SET', KEYS[2], '') and may('PEXPIRE', KEYS[firstLog] or KEYS[2], '1')) then
  return redis.error_reply('NOPERM this user may not do what appending to a history needs')
end
if may and #ARGV[5] > 0 and not (may('HSET', KEYS[2], '', '') and may('HDEL', KEYS[2], '') and may('UNLINK', KEYS[2])) then
  return redis.error_reply('NOPERM this user may not do what keeping the latest values needs')
end

local function beginAnew(log, id, entry)
  redis.call('DEL', log)
  return redis.pcall('XADD', log, id, 'b', entry)
end

-- Whether it was refused for what the log is, and not for what the server is or allows.
local function cannotContinue(log, offset)
  local kind = redis.call('TYPE', log).ok
  if kind ~= 'stream' then return kind ~= 'none' end
  local info = redis.call('XINFO', 'STREAM', log)
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then return tonumber(string.match(info[at + 1], '^%d+')) >= offset end
  end
  return false
end

-- Where the keys of the next group stand in ARGV[5].
local keyedAt = 1

-- The keys of a group: of which publication, its kind, and what it has in the entry.
local function keyedOf(entry, count)
  local keyed = {}
  for n = 1, count do
    local index, kind, keyFrom, keyTo, from, to = struct.unpack('>I4I4I4I4I4I4', ARGV[5], keyedAt)
    keyedAt = keyedAt + bytesPerKey
    keyed[n] = { index = index, kind = kind, name = sub(entry, keyFrom, keyTo), from = from, to = to }
  end
  return keyed
end

-- How many keys and bytes there are once these are kept.
local function sizeWith(keyed, hash, keys, bytes)
  for _, each in ipairs(keyed) do
    local before = hash and redis.call('HSTRLEN', hash, each.name) or 0
    if before > 0 then
      keys, bytes = keys - 1, bytes - before - #each.name - overhead
    end
    if each.kind ~= 3 then
      keys, bytes = keys + 1, bytes + headBytes + each.to - each.from + 1 + #each.name + overhead
    end
  end
  return keys, bytes
end

local function keep(keyed, hash, base, entry)
  local time = sub(entry, ${entryTimeAt + 1}, ${entryTimeAt + 8})
  for _, each in ipairs(keyed) do
    if each.kind == 3 then redis.call('HDEL', hash, each.name)
    else
      local head = struct.pack('>d', base + each.index) .. time .. string.char(each.kind)
      redis.call('HSET', hash, each.name, head .. sub(entry, each.from, each.to))
    end
  end
end

local results, appended = {}, false
-- What groups before have written, by key.
local written = {}
-- Channels in which the rest is to be tried one by one, by numbering.
local stopped = {}
local frameStart = #ARGV - 2 * groups - 1
for n = 1, groups do
  local count, retention, keyAt, hashAt, keyCount, isOfMany =
    struct.unpack('>I4I4I4I4I4I4', ARGV[4], (n - 1) * bytesPerGroup + 1)
  local key = keyAt > 0 and KEYS[keyAt]
  local before = key and (written[key] or values[keyAt])
  local result = before and string.match(before, '^%S+ %d+$')
  local numbering, log, hash = KEYS[n + 2], KEYS[firstLog + n - 1], hashAt > 0 and KEYS[hashAt]
  local entry = ARGV[frameStart + 2 * n + 1]
  local keyed = keyedOf(entry, keyCount)
  local part, top, margin, keys, bytes = numberingIn(written[numbering] or values[n + 2])
  if hash and part and not holds(hash, keys) then part = nil end
  if not part then keys, bytes = 0, 0 end
  local newKeys, newBytes = keys, bytes
  if keyCount > 0 then newKeys, newBytes = sizeWith(keyed, part and hash, keys, bytes) end
  if result then
    result = result .. ' 1'
  elseif stopped[numbering] then
    result = '- 0 3'
  elseif (newKeys > keys and newKeys > tonumber(ARGV[retention + 3])) or (newBytes > bytes and newBytes > tonumber(ARGV[retention + 4])) then
    stopped[numbering] = isOfMany == 1
    result = isOfMany == 1 and '- 0 3' or '- 0 2'
  else
    local base = top
    local added, offset, digitsOfOffset = false, nil, nil
    if part and top + count <= maxOffset then
      offset = top + count
      digitsOfOffset = digits(offset)
      local id = digitsOfOffset .. '-0'
      local size = tonumber(ARGV[retention])
      local step = math.ceil(size / 8)
      if math.floor(offset / step) == math.floor(top / step) or offset <= size then
        added = redis.pcall('XADD', log, 'NOMKSTREAM', id, 'b', entry)
      else
        added = redis.pcall('XADD', log, 'NOMKSTREAM', 'MINID', '~', digits(offset - size + 1), id, 'b', entry)
      end
      -- Nothing was kept yet, or it has expired as it should.
      if added == false and (top == 0 or hasExpired(numbering, margin)) then added = beginAnew(log, id, entry) end
    end
    if added == false or (type(added) == 'table' and cannotContinue(log, offset)) then
      part, base, digitsOfOffset = ARGV[3], 0, digits(count)
      if hash then
        redis.call('UNLINK', hash)
        newKeys, newBytes = sizeWith(keyed, nil, 0, 0)
      else newKeys, newBytes = 0, 0 end
      added = beginAnew(log, digitsOfOffset .. '-0', entry)
    end
    if type(added) == 'table' then return added end

    local value = part .. ' ' .. digitsOfOffset .. ' ${numberingTtlMs(0)}' .. latestPart(newKeys, newBytes)
    written[numbering] = value
    -- In this order, so that the numbering has the margin left or less when the log expires.
    redis.call('SET', numbering, value, 'PX', ARGV[retention + 2])
    redis.call('PEXPIRE', log, ARGV[retention + 1])
    if keyCount > 0 then keep(keyed, hash, base, entry) end
    if hash and newKeys > 0 then redis.call('PEXPIRE', hash, ARGV[retention + 2]) end
    result = generation .. '.' .. part .. ' ' .. digitsOfOffset
    if key then
      written[key] = result
      redis.call('SET', key, result, 'PX', '${idempotencyTtlMs}')
    end
    result = result .. ' 0'
    appended = true
  end
  results[n] = ' ' .. result
end
results = table.concat(results)

if appended then
  ARGV[frameStart + 1] = struct.pack('>BI4', 0xdb, #results) .. results .. ARGV[frameStart + 1]
  redis.call('PUBLISH', KEYS[#KEYS], table.concat(ARGV, '', frameStart))
end
redis.call('SET', KEYS[2], ARGV[2] .. results, 'PX', '${batchMemoryMs}')
return 'done' .. results
`);
