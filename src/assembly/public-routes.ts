/**
 * Puts together what the public port answers.
 */
import { systemClock } from '../clock.ts';
import { Admission } from '../connection/admission.ts';
import { readAssets, sdkPath } from '../http/assets.ts';
import { PublicListener } from '../http/public-listener.ts';
import type { Bounds } from './bounds.ts';
import type { Ground } from './ground.ts';
import type { Neighbours } from './neighbours.ts';
import type { Sessions } from './sessions.ts';

export function publicRoutesOf(
  { settings, files, policy, readiness, metrics, logger }: Ground,
  { bridge }: Neighbours,
  { connections, memory }: Bounds,
  { natives, rawRoom, rawRoomWithHello }: Sessions,
): PublicListener {
  const assets = readAssets(files);
  if (!assets.has(sdkPath)) logger.warn(`${sdkPath} is not served: \`npm run build\` makes it`);
  return new PublicListener({
    policy: settings,
    connections,
    readiness,
    memory,
    admission: new Admission({
      perSecond: settings.maxHandshakesPerSecond,
      clock: systemClock,
      random: Math.random,
    }),
    bridge,
    metrics,
    assets,
    rawRoom,
    rawRoomWithHello,
    natives,
    channelPolicy: policy,
  });
}
