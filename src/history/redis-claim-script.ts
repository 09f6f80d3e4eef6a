/**
 * Claims a shard for the server that runs the script: the generation that is stored holds if it was claimed on this very
 * server, otherwise a new one begins.
 *
 * "This very server" is its `run_id`, which is new at each start, and its replication id, which is new at each promotion:
 * a master that was demoted, synchronised from another one and promoted again has lost writes and kept its run id.
 * Replication is asynchronous, so a promoted replica may lack what was confirmed; then nobody may be told that he missed
 * nothing. The server says itself who it is, in the same step: nobody can be wrong about where a connection leads.
 *
 * KEYS  generation
 * ARGV  a random generation, for the case that one begins
 * Reply the claim, to be shown to the other scripts
 */
import { redisScript } from './redis-script.ts';

export const claimScript = redisScript(`
local function said(section, name) return string.match(redis.call('INFO', section), name .. ':(%w+)') end
local identity = said('server', 'run_id') .. ':' .. said('replication', 'master_replid')
local claim = get(KEYS[1])
if claim and string.match(claim, '^(%S+) [%w_-]+$') == identity then return claim end
claim = identity .. ' ' .. ARGV[1]
redis.call('SET', KEYS[1], claim)
return claim
`);
