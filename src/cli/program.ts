/**
 * The command line. Flags and their help come from the table of settings; only commands and examples stand here.
 */
import { Command, CommanderError, Option } from 'commander';
import { defaultConfigFile, type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import { isUnset } from '../config/setting.ts';
import {
  environmentVariableOf,
  flagOf,
  type SettingKey,
  settingKeys,
  settingsTable,
} from '../config/settings.ts';
import { exitCodes, UserError } from '../errors.ts';
import type { AssetFiles } from '../http/assets.ts';

export interface ProgramOptions {
  /** Arguments behind the name of the program. */
  args: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  version: string;
  files: AssetFiles;
  /** Ends the process at once, when a node was told to stop twice. */
  exitNow(): void;
  /** Prints a command's result. */
  print(text: string): void;
}

const exitCodeHelp = `
Exit codes: ${exitCodes.ok} all is well, ${exitCodes.failure} failure, ${exitCodes.usage} wrong usage or settings, ${exitCodes.cannotListen} an address is taken or cannot be bound.`;

const serveExamples = `
Each setting may also stand in ${defaultConfigFile} (by its camelCase name) or in the environment (OUTCRY_…).
A flag wins over the environment, the environment over the file.

Examples:
  outcry serve                                    one node on port 8080
  outcry serve --port 9001 --node-id left         a second one beside it (with another --admin-port)
  outcry serve --origins https://example.com      only pages of this origin may connect
  OUTCRY_MAX_PAYLOAD_BYTES=1024 outcry serve      short messages only
${exitCodeHelp}`;

const checkExamples = `
Takes the same flags as \`outcry serve\`, starts nothing.

Examples:
  outcry check                                    what would \`outcry serve\` do here?
  outcry check --config production.json           is this file right?
${exitCodeHelp}`;

/**
 * Runs one command to its end.
 *
 * @throws UserError for wrong usage and wrong settings
 */
export async function run(options: ProgramOptions): Promise<void> {
  const program = new Command('outcry')
    .description('A WebSocket broadcaster: one publisher speaks, everyone who listens hears it.')
    .version(options.version, '-V, --version')
    .addHelpText('after', '\nStart with: outcry serve, then open http://localhost:8080 in two tabs.')
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  const load = (command: Command) => loadFrom(command, options.environment);

  addSettings(
    program.command('serve').description('Run one node.').addHelpText('after', serveExamples),
  ).action(async (_flags, command: Command) => {
    const { serve } = await import('./serve.ts');
    await serve(load(command), options.version, options.files, options.exitNow);
  });
  addSettings(
    program
      .command('check')
      .description('Print the effective settings and what does not fit this machine.')
      .addHelpText('after', checkExamples),
  ).action(async (_flags, command: Command) => {
    const { check } = await import('./check.ts');
    options.print(check(load(command)));
  });

  try {
    await program.parseAsync(options.args as string[], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UserError(usageMistake(error));
  }
}

function addSettings(command: Command): Command {
  command.option(
    '--config <file>',
    `start-up file (default: ${defaultConfigFile} if it exists; env OUTCRY_CONFIG)`,
  );
  for (const key of settingKeys) {
    const { sentence, unit, allowed, default: initial } = settingsTable[key];
    const facts = [`${allowed}`, shownDefault(initial, unit), `env ${environmentVariableOf(key)}`].filter(
      Boolean,
    );
    command.addOption(new Option(`${flagOf(key)} <value>`, `${sentence} (${facts.join('; ')})`));
  }
  return command.exitOverride().configureOutput({ outputError: () => {} });
}

function shownDefault(initial: unknown, unit: string): string {
  if (isUnset(initial)) return '';
  return `default ${initial}${unit === '' ? '' : ` ${unit}`}`;
}

function loadFrom(command: Command, environment: ProgramOptions['environment']): LoadedSettings {
  const given = command.opts<Record<string, string | undefined>>();
  const flags: Partial<Record<SettingKey, string>> = {};
  for (const key of settingKeys) {
    const value = given[new Option(flagOf(key)).attributeName()];
    if (value !== undefined) flags[key] = value;
  }
  return loadSettings({ flags, environment, configFile: given.config });
}

function usageMistake(error: CommanderError): string {
  if (error.code === 'commander.help') return 'name a command; `outcry --help` lists them';
  const mistake = error.message
    .replace(/^error: /, '')
    .replace(/\.?\n/g, ' ') // A suggestion stands in its own line.
    .replace(/\.$/, '')
    .replace(/(?<='-[^'=]*)=.*(?=')/, ''); // The value of a misspelt flag may be the admin key.
  return `${mistake}; \`outcry --help\` and \`outcry serve --help\` list what there is`;
}
