/**
 * Every setting of a node, once. The command line, the environment, the start-up file, `outcry check`, `--help` and
 * `docs/configuration.md` are all read from the tables in `settings/`, which are put together here.
 *
 * The key is the name in `outcry.config.json`; flag and environment variable follow from it (`maxPayloadBytes`,
 * `--max-payload-bytes`, `OUTCRY_MAX_PAYLOAD_BYTES`).
 */
import type { Setting } from './setting.ts';
import { accessSettings } from './settings/access.ts';
import { adminSettings } from './settings/admin.ts';
import { admissionSettings } from './settings/admission.ts';
import { bridgeSettings } from './settings/bridge.ts';
import { connectionSettings } from './settings/connection.ts';
import { historySettings } from './settings/history.ts';
import { idempotencySettings } from './settings/idempotency.ts';
import { logSettings } from './settings/log.ts';
import { nodeSettings } from './settings/node.ts';
import { recoverySettings } from './settings/recovery.ts';
import { redisSettings } from './settings/redis.ts';
import { shutdownSettings } from './settings/shutdown.ts';

export const settingsTable = {
  ...nodeSettings,
  ...adminSettings,
  ...accessSettings,
  ...admissionSettings,
  ...connectionSettings,
  ...redisSettings,
  ...bridgeSettings,
  ...idempotencySettings,
  ...historySettings,
  ...recoverySettings,
  ...shutdownSettings,
  ...logSettings,
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settingsTable;

type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;

/** The effective value of every setting. */
export type Settings = { readonly [Key in SettingKey]: ValueOf<(typeof settingsTable)[Key]> };

/** The keys in the order of the tables. */
export const settingKeys = Object.keys(settingsTable) as SettingKey[];

/** `maxPayloadBytes` → `--max-payload-bytes`; the setting that everybody types has a short one. */
export function flagOf(key: SettingKey): string {
  if (key === 'redisUrl') return '--redis';
  return `--${words(key).join('-')}`;
}

/** `maxPayloadBytes` → `OUTCRY_MAX_PAYLOAD_BYTES` */
export function environmentVariableOf(key: SettingKey): string {
  return `OUTCRY_${words(key).join('_').toUpperCase()}`;
}

function words(key: SettingKey): string[] {
  return key.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}
