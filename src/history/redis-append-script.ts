/**
 * Appends a batch: numbers its groups, keeps them, and publishes them to all nodes, in one step.
 *
 * A group is what one channel gets at once, as one entry. The script does not look into entries; it joins the frame from
 * what the node has prepared and the positions that it assigns (protocol/sequenced-frame.ts).
 *
 * **Once.** A batch has a number that grows, per node and shard. The last one that was carried out is remembered with its
 * result: the same number gets the same answer and appends nothing; a smaller one is an attempt that was given up and
 * comes late, and is refused.
 *
 * **Whole.** Redis does not roll back. What may be refused is looked at before the first write. That one is to a log, and
 * refused by a server that is out of memory, or a replica, as every other one would be. A log that cannot take an entry (its
 * type or its last id is not ours) begins anew, under another epoch.
 *
 * KEYS  generation, batch, pub/sub channel; per group: numbering, log, idempotency key if it has one
 * ARGV  claim, number of the batch, its memory in ms, the memory of idempotency keys in ms, a random epoch, start of the
 *       frame; per group: publications, size of the history, its ttl in ms, the numbering's ttl in ms, '1' if it has an
 *       idempotency key, start of the entry, entry
 * Reply 'generation' if the claim does not hold, 'stale' for a late attempt, else 'done' and per group epoch, offset of
 *       the last publication, and '1' for a duplicate
 */
import { redisScript } from './redis-script.ts';

/** Values of ARGV per group, and before the first one. */
export const argsPerGroup = 7;
export const argsBeforeGroups = 6;

export const appendScript = redisScript(`
local id, result = string.match(get(KEYS[2]) or '', '^(%d+)(.*)$')
if id == ARGV[2] then return 'done' .. result end
if id and tonumber(id) > tonumber(ARGV[2]) then return 'stale' end
local generation = generationOf(KEYS[1], ARGV[1])
if not generation then return 'generation' end

-- What comes after the first write must not be refused then. (Before Redis 7 nobody can ask.)
local function may(...) return not redis.acl_check_cmd or redis.acl_check_cmd(...) end
if not (may('PUBLISH', KEYS[3], '') and may('SET', KEYS[2], '') and may('PEXPIREAT', KEYS[2], '1')) then
  return redis.error_reply('NOPERM this user may not do what appending to a history needs')
end

local groups = {}
local key = 4
for at = ${argsBeforeGroups + 1}, #ARGV, ${argsPerGroup} do
  local group = {
    numbering = KEYS[key], log = KEYS[key + 1],
    count = assert(tonumber(ARGV[at])), size = assert(tonumber(ARGV[at + 1])),
    ttl = assert(tonumber(ARGV[at + 2])), numberingTtl = assert(tonumber(ARGV[at + 3])),
    start = ARGV[at + 5], entry = assert(ARGV[at + 6]),
  }
  key = key + 2
  if ARGV[at + 4] == '1' then
    group.key = assert(KEYS[key])
    key = key + 1
  end
  groups[#groups + 1] = group
end
assert(key == #KEYS + 1)

local time = now()

-- The id as text, false if there is no log and none may be made, or an error.
local function add(group, offset, mayMake)
  local oldest = digits(math.max(offset - group.size + 1, 1)) .. '-0'
  if mayMake then
    return redis.pcall('XADD', group.log, 'MINID', '=', oldest, digits(offset) .. '-0', 'b', group.entry)
  end
  return redis.pcall('XADD', group.log, 'NOMKSTREAM', 'MINID', '=', oldest, digits(offset) .. '-0', 'b', group.entry)
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

-- Joined once, at the end: joining is what costs most here.
local results, frame, entries = {}, { ARGV[6], '' }, 0
for _, group in ipairs(groups) do
  local epoch, offset = string.match(group.key and get(group.key) or '', '^(%S+) (%d+)$')
  if epoch then
    results[#results + 1] = ' ' .. epoch .. ' ' .. offset .. ' 1'
  else
    local part, top, expires = numbering(group.numbering)
    local added = false
    if part and top + group.count <= maxOffset then
      offset = top + group.count
      added = add(group, offset, false)
      -- Nothing was kept yet, or it has expired as it should.
      if added == false and (top == 0 or time >= expires) then added = add(group, offset, true) end
    end
    if added == false or (type(added) == 'table' and cannotContinue(group.log, offset)) then
      redis.call('DEL', group.log)
      part, offset = ARGV[5], group.count
      added = add(group, offset, true)
    end
    if type(added) == 'table' then return added end

    local till = digits(time + group.ttl)
    redis.call('SET', group.numbering, part .. ' ' .. digits(offset) .. ' ' .. till, 'PX', digits(group.numberingTtl))
    redis.call('PEXPIREAT', group.log, till)
    epoch = generation .. '.' .. part
    if group.key then redis.call('SET', group.key, epoch .. ' ' .. digits(offset), 'PX', ARGV[4]) end
    results[#results + 1] = ' ' .. epoch .. ' ' .. digits(offset) .. ' 0'

    frame[#frame + 1] = group.start
    frame[#frame + 1] = struct.pack('>B', 0xa0 + #epoch)
    frame[#frame + 1] = epoch
    frame[#frame + 1] = struct.pack('>Bd', 0xcb, offset)
    frame[#frame + 1] = group.entry
    entries = entries + 1
  end
end

if entries > 0 then
  frame[2] = struct.pack('>BI4', 0xdd, entries)
  redis.call('PUBLISH', KEYS[3], table.concat(frame))
end
local all = table.concat(results)
redis.call('SET', KEYS[2], ARGV[2] .. all, 'PX', ARGV[3])
return 'done' .. all
`);
