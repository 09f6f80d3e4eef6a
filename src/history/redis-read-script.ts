/**
 * Reads a channel: where it stands, and what is kept from an offset on.
 *
 * It writes: a channel that is asked for gets a numbering, so that the position which somebody is told stays true, and a
 * numbering that is asked for lives on. So a replica, which may lack what was appended, refuses to answer.
 *
 * KEYS  generation, numbering, log; where the latest values are kept, their hash
 * ARGV  claim, a random epoch, the numbering's ttl in ms, 'after' | 'last' | 'top' | 'latest';
 *       after: the epoch that is asked for, the first offset, the offset from which on nothing more is needed, bytes at most;
 *       last: nothing, how many, nothing, bytes at most
 * Reply ['generation'] if the claim does not hold, else ['slice', epoch, top, '1' if cut, and per entry its id and bytes],
 *       in the order of offsets for 'after', against it for 'last'; for 'latest' in place of the entries one list of keys and
 *       values in turn
 */
import { redisScript } from './redis-script.ts';

const clockSlackMs = 10;

export const readScript = redisScript(`
local chunk = 16
local generation = get(KEYS[1]) == ARGV[1] and string.match(ARGV[1], ' ([%w_-]+)$')
if not generation then return { 'generation' } end
local mode, maxBytes = ARGV[4], tonumber(ARGV[8])

local hash = KEYS[4]
local epoch, top, margin, keys, bytes = numberingIn(get(KEYS[2]))
local kind = redis.call('TYPE', KEYS[3]).ok
local whole = epoch and ((kind == 'stream' and top > 0) or (kind == 'none' and (top == 0 or hasExpired(KEYS[2], margin))))
if hash then whole = whole and holds(hash, keys) end
if whole then
  -- It lives on from now, the log does not. Redis reads its clock twice here, hence the slack.
  local left = kind == 'stream' and math.max(redis.call('PTTL', KEYS[3]), 0) or 0
  margin = digits(math.max(ARGV[3] - left + ${clockSlackMs}, 0))
else
  epoch, top, margin, keys, bytes = ARGV[2], 0, '0', 0, 0
  redis.call('DEL', KEYS[3])
  if hash then redis.call('UNLINK', hash) end
end
redis.call('SET', KEYS[2], epoch .. ' ' .. digits(top) .. ' ' .. margin .. latestPart(keys, bytes), 'PX', ARGV[3])
if hash and keys > 0 then redis.call('PEXPIRE', hash, ARGV[3]) end
epoch = generation .. '.' .. epoch

local reply = { 'slice', epoch, digits(top), '0' }
if mode == 'latest' then
  reply[5] = redis.call('HGETALL', hash)
  return reply
end
if top == 0 or kind ~= 'stream' or mode == 'top' or (mode == 'after' and epoch ~= ARGV[5]) then return reply end

local bytes, seen = 0, 0
local after = mode == 'after'
local oldest = after and ARGV[6] or digits(math.max(top - tonumber(ARGV[6]) + 1, 1))
local enough = after and tonumber(ARGV[7])
local from = after and oldest .. '-0' or '+'
repeat
  local entries
  if after then entries = redis.call('XRANGE', KEYS[3], from, '+', 'COUNT', chunk)
  else entries = redis.call('XREVRANGE', KEYS[3], from, oldest .. '-0', 'COUNT', chunk) end
  for _, entry in ipairs(entries) do
    local id, fields = entry[1], entry[2]
    local body = ''
    if #fields == 2 and fields[1] == 'b' then body = fields[2] end
    bytes = bytes + #body
    if bytes > maxBytes and seen > 0 then
      reply[4] = '1'
      return reply
    end
    seen = seen + 1
    reply[#reply + 1] = id
    reply[#reply + 1] = body
    if enough and (tonumber(string.match(id, '^%d+')) or 0) >= enough then
      reply[4] = '1'
      return reply
    end
    from = '(' .. id
  end
until #entries < chunk
return reply
`);
