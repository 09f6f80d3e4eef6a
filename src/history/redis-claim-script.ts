/**
 * Claims a shard for the server that runs the script: the generation that is stored holds if it was claimed on this very
 * server, otherwise a new one begins.
 *
 * "This very server" is its `run_id`, which is new at each start, and its replication id, which is new at each promotion:
 * a master that was demoted, synchronised from another one and promoted again has lost writes and kept its run id.
 * Replication is asynchronous, so a promoted replica may lack what was confirmed; then nobody may be told that he missed
 * nothing. The server says itself who it is, in the same step: nobody can be wrong about where a connection leads.
 *
 * **A split.** While some nodes are on this server already, others may still append to the one before it, and whoever is here
 * will never get that. So a node that comes says when something of its own was confirmed last under another claim: if that was after the
 * generation here had begun, another one begins, and everybody is told once more. Only this server's clock is asked; if it
 * is set forward, a generation begins for nothing.
 *
 * KEYS  generation, when it began, the pub/sub channel
 * ARGV  a random generation, for the case that one begins; the frame that tells all nodes of it; the claim under which something of
 *       this node was confirmed last, and how many milliseconds ago, or two empty strings
 * Reply the claim, to be shown to the other scripts
 */
import { redisScript } from './redis-script.ts';

export const claimScript = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function said(section, name) return string.match(redis.call('INFO', section), name .. ':(%w+)') end
local identity = said('server', 'run_id') .. ':' .. said('replication', 'master_replid')
local claim = get(KEYS[1])
if claim and string.match(claim, '^(%S+) [%w_-]+$') == identity then
  local began, of = string.match(get(KEYS[2]) or '', '^(%d+) (.*)$')
  local isLate = ARGV[3] ~= '' and ARGV[3] ~= claim and of == claim and now - began > tonumber(ARGV[4])
  if not isLate then return claim end
end
claim = identity .. ' ' .. ARGV[1]
redis.call('SET', KEYS[2], digits(now) .. ' ' .. claim)
redis.call('SET', KEYS[1], claim)
-- Who may not publish cannot append either, but may read.
redis.pcall('PUBLISH', KEYS[3], ARGV[2])
return claim
`);
