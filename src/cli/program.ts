/**
 * The command line. Flags and their help come from the tables of settings; only commands and examples stand here.
 */
import type { Readable } from 'node:stream';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Position } from '../client/index.ts';
import type { OwnProgram } from '../assembly/workers.ts';
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
  /** How this program was started: the runtime, and its arguments up to the file. */
  program: Pick<OwnProgram, 'file' | 'args'>;
  /** Ends the process at once, when a node was told to stop twice. */
  exitNow(): void;
  /** The standard input. */
  input: Readable;
  /** Prints a line of a command's result. */
  print(text: string): void;
  /** Tells the person something that is no result, on standard error. */
  note(text: string): void;
  /** Resolves when the process is told to stop. */
  stopped(): Promise<void>;
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
  outcry serve --workers auto                     a process for each core, on one port
  OUTCRY_MAX_PAYLOAD_BYTES=1024 outcry serve      short messages only
${exitCodeHelp}`;

const checkExamples = `
Takes the same flags as \`outcry serve\`, starts nothing.

Examples:
  outcry check                                    what would \`outcry serve\` do here?
  outcry check --config production.json           is this file right?
  outcry check --clients 200000                   what keeps this machine from holding so many?
  outcry check --clients 60000 --haproxy-maxconn 60000   and HAProxy before it?
${exitCodeHelp}`;

const publishExamples = `
DATA that is valid JSON is published as JSON, everything else as text; --json and --text decide it. Without DATA, or with -, each
line of the standard input is one payload. With - as CHANNEL each line is an object that names its own, as \`outcry subscribe\`
prints it. Prints the answer of the node. --key is for channels that keep the latest value of each key.

Examples:
  outcry publish chat 'hello'                         text
  outcry publish prices:EUR '{"bid": 1.08}'           JSON, byte for byte
  outcry publish chat 'order 7' --idempotency-key 7   again and again, and published once
  outcry publish board '1.08' --key EUR               the latest value of EUR
  outcry publish board --key EUR --delete             EUR has no value any more
  tail -f quotes.ndjson | outcry publish prices:EUR   a payload per line
  outcry subscribe a | outcry publish - --api http://10.0.0.2:8081   from one cluster into another
${exitCodeHelp}`;

const subscribeExamples = `
Prints one JSON object per line: {"channel": …, "sequence": …, "time": …, "json": … | "text": … | "binary": base64}. A loss is a line too:
{"channel": …, "gap": reason, "missed": number or null}. It comes back by itself when the connection is lost, and in a channel
with a history gets what it has missed. There a line also has "epoch" and "offset": --since takes both, to carry on behind it. In a
channel that keeps latest values it may have a "key", and "deleted": true instead of a payload. With --state all values come
first, in lines as others behind {"channel": …, "state": how many, "reason": null}; and again, with a reason, when a gap has
replaced them.

Examples:
  outcry subscribe chat prices:EUR
  outcry subscribe chat --payload --count 1           the next message, and nothing around it
  outcry subscribe prices:EUR | jq .json.bid
  outcry subscribe chat --last 20                     begin with the last 20
  outcry subscribe chat --since 5f2a9c:57             what came behind that line, and what comes
  outcry subscribe board --state                      the latest value of each key, and what comes
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
    program
      .command('serve')
      .description('Run a node, or several that share a port.')
      .addHelpText('after', serveExamples),
  ).action(async (_flags, command: Command) => {
    const { serve } = await import('./serve.ts');
    await serve({
      ...options,
      loaded: load(command),
      // What stands before the name of the command is help or version.
      program: { ...options.program, flags: options.args.slice(options.args.indexOf('serve') + 1) },
    });
  });
  addSettings(
    program
      .command('check')
      .description('Print the effective settings, what does not fit this machine, and what each Redis says.')
      .option('--clients <n>', 'clients that this machine is to hold', wholeNumber)
      .option('--haproxy-maxconn <n>', 'clients that the HAProxy before it lets in', wholeNumber)
      .addHelpText('after', checkExamples),
  ).action(async ({ clients = null, haproxyMaxconn = null }, command: Command) => {
    const { check } = await import('./check.ts');
    const { redisReport } = await import('../assembly/redis-report.ts');
    const loaded = load(command);
    options.print(check(loaded, { clients, haproxyMaxconn }));
    for (const line of await redisReport(loaded.settings)) options.print(line);
  });

  addPartsOfAHost(program, options, load);

  addPublish(program.command('publish'), options);
  addSubscribe(program.command('subscribe'), options);

  try {
    await program.parseAsync(options.args as string[], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UserError(usageMistake(error));
  }
}

/** Commands that only a host with several workers gives. */
function addPartsOfAHost(
  program: Command,
  options: ProgramOptions,
  load: (command: Command) => LoadedSettings,
): void {
  const add = (name: string) =>
    addSettings(program.command(name, { hidden: true })).requiredOption('--relay-socket <path>');
  add('worker').action(async ({ relaySocket }, command: Command) => {
    const { work } = await import('./worker.ts');
    await work({ ...options, settings: load(command).settings, relayPath: relaySocket });
  });
  add('relay').action(async ({ relaySocket }, command: Command) => {
    const { relay } = await import('./relay.ts');
    await relay(load(command).settings, relaySocket);
  });
}

function addPublish(command: Command, { environment, print, input }: ProgramOptions): void {
  command
    .description('Publish into a channel, through the API of a node.')
    .argument('<channel>', 'where to, or - if each line of the input says')
    .argument('[data]', 'the payload, or - for one per line of the standard input')
    .addOption(new Option('--json', 'it is JSON; anything else is refused').conflicts('text'))
    .option('--text', 'it is text, whatever it looks like')
    .addOption(
      new Option('--api <url>', 'admin listener of a node (env OUTCRY_API)').default(
        environment.OUTCRY_API ?? 'http://127.0.0.1:8081',
      ),
    )
    .option('--admin-key <key>', 'its admin key (env OUTCRY_ADMIN_KEY)')
    .addOption(new Option('--key <text>', 'it becomes the latest value of this key').argParser(shortText))
    .option('--delete', 'the key has no value any more', false)
    .addOption(
      new Option('--idempotency-key <text>', 'a channel takes it once in five minutes').argParser(shortText),
    )
    .addHelpText('after', publishExamples)
    .action(async (channel: string, data: string | undefined, flags) => {
      const { json, text, api, adminKey, idempotencyKey = null, key = null } = flags;
      const { publish } = await import('./publish.ts');
      const kind = json === true ? 'json' : text === true ? 'text' : null;
      await publish(
        {
          channel,
          data: data ?? null,
          kind,
          api,
          adminKey: adminKey ?? environment.OUTCRY_ADMIN_KEY ?? null,
          idempotencyKey,
          key,
          deleted: flags.delete,
        },
        input,
        print,
      );
    })
    .exitOverride()
    .configureOutput({ outputError: () => {} });
}

function addSubscribe(
  command: Command,
  { environment, print, note, stopped, version }: ProgramOptions,
): void {
  command
    .description('Print what is published in channels, one JSON object per line.')
    .argument('<channel...>', 'one or more')
    .addOption(
      new Option('--url <url>', 'public listener of a node (env OUTCRY_URL)').default(
        environment.OUTCRY_URL ?? 'ws://localhost:8080',
      ),
    )
    .option('--token <token>', 'travels with the connection')
    .addOption(
      new Option('--codec <codec>', 'form of the messages').choices(['json', 'msgpack']).default('json'),
    )
    .option('--count <n>', 'end after this many publications', wholeNumber)
    .addOption(
      new Option('--last <n>', 'begin with the last so many publications that are kept')
        .argParser(wholeNumber)
        .conflicts('since'),
    )
    .option('--since <epoch:offset>', 'begin behind this position of a channel with a history', position)
    .option('--state', 'begin with the latest value of each key', false)
    .option('--payload', 'print the payload alone', false)
    .addHelpText('after', subscribeExamples)
    .action(
      async (channels: string[], { url, token, codec, count, last = null, since = null, state, payload }) => {
        const { subscribe } = await import('./subscribe.ts');
        await subscribe(
          {
            channels,
            url,
            token: token ?? null,
            codec,
            count: count ?? null,
            last,
            since,
            state,
            payloadOnly: payload,
            version,
          },
          { print, note, stopped: stopped() },
        );
      },
    )
    .exitOverride()
    .configureOutput({ outputError: () => {} });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return number;
}

/** An epoch may have colons of its own. */
function position(text: string): Position {
  const [, epoch = '', offset = ''] = /^(.+):(\d+)$/s.exec(text) ?? [];
  if (epoch === '' || !Number.isSafeInteger(Number(offset)))
    throw new InvalidArgumentError('It must be like 5f2a9c:57, the epoch and the offset of a line.');
  return { epoch, offset: Number(offset) };
}

function shortText(text: string): string {
  if (text.length < 1 || text.length > 128)
    throw new InvalidArgumentError('It must have 1 to 128 characters.');
  return text;
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
