/**
 * Writes the documents that are made from the sources; with `--check` it only says whether they are fresh.
 *
 * `npm run docs`, `npm run docs:check`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { namespaceKeys } from '../src/config/namespaces.ts';
import { isUnset, type Setting } from '../src/config/setting.ts';
import { environmentVariableOf, flagOf, settingKeys, settingsTable } from '../src/config/settings.ts';

const documents: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configuration,
};

const root = new URL('../', import.meta.url);
const check = process.argv.includes('--check');
for (const [path, render] of Object.entries(documents)) {
  const file = fileURLToPath(new URL(path, root));
  const fresh = render();
  if (existsSync(file) && readFileSync(file, 'utf8') === fresh) continue;
  if (check) {
    console.error(`${path} is stale: run \`npm run docs\` and commit it`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, fresh);
    console.log(`wrote ${path}`);
  }
}

function configuration(): string {
  const rows = settingKeys.map((key) => {
    const row: Setting = settingsTable[key];
    return `## \`${key}\`

${row.sentence}

| flag | environment | default | allowed |
|---|---|---|---|
| \`${flagOf(key)}\` | \`${environmentVariableOf(key)}\` | ${shownDefault(row)} | ${row.allowed}${row.unit === '' ? '' : ` (${row.unit})`} |
${key === 'namespaces' ? namespaceTable() : ''}`;
  });
  return `<!-- Made from src/config/settings/ by \`npm run docs\`. Edit the tables there. -->

# Configuration

A node starts without any setting. Each one below can be given as a flag of \`outcry serve\`, in the environment, or by its
name in \`outcry.config.json\` in the working directory (\`--config FILE\` or \`OUTCRY_CONFIG\` name another file):

\`\`\`json
{ "port": 9001, "origins": ["https://example.com"] }
\`\`\`

A flag wins over the environment, the environment over the file, the file over the default. A setting that does not exist,
a value that is not allowed and a combination that cannot work stop the start, with a sentence for each mistake.
\`outcry check\` prints the settings that would be in force, where each came from, and what does not fit the machine.

${rows.join('\n')}`;
}

function namespaceTable(): string {
  const rows = Object.entries(namespaceKeys).map(
    ([key, { sentence, allowed, otherwise }]) => `| \`${key}\` | ${sentence} | ${allowed} | ${otherwise} |`,
  );
  return `
What a namespace may say; what it leaves out is as in the namespace \`default\`:

| key | meaning | allowed | where \`default\` says nothing |
|---|---|---|---|
${rows.join('\n')}
`;
}

function shownDefault({ default: value, unit }: Setting): string {
  if (isUnset(value)) return '–';
  return `\`${value}\`${unit === '' ? '' : ` ${unit}`}`;
}
