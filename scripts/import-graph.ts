/**
 * Judges who imports whom. Pure: it gets the text of the files and the rules, and returns the violations. The rules
 * themselves, and the reading and printing, are in check-imports.ts.
 */
import { posix } from 'node:path';
import { blankText, isBarrel, lineAt, scanImports } from './import-scanner.ts';

/** A layer of src/. Paths are relative to src/; a folder ends in a slash, and the longest path that fits a file wins. */
export interface Layer {
  name: string;
  paths: string[];
  /** Present: only this layer, and files of the same folder, may import the files of the layer. */
  onlyImportedBy?: string;
}

/** A path under src/ whose files may import less than their layer allows. */
export interface Enclosure {
  path: string;
  mayImport: string[];
  why: string;
}

/** Something with one home: named in code, or imported as a package, in the sources `files` and nowhere else. */
export interface Home {
  what: string;
  /** Matches what must not appear in code; comments, strings and regular expressions are blank by then. */
  code?: RegExp;
  /** Matches the specifier of an import. */
  specifier?: RegExp;
  /** Paths from the root of the repository; `*` stands for anything but a slash. */
  files: string[];
}

/** Everything the checker goes by. */
export interface Rules {
  /** From top to bottom. */
  layers: Layer[];
  enclosures: Enclosure[];
  homes: Home[];
  /** Paths from the root of files that nobody imports, tests included. */
  entries: string[];
  /** Paths from the root of the only files that may do nothing but re-export. */
  barrels: string[];
  /** Where to give a file a layer. */
  rulesFile: string;
}

/** A broken rule; `what` begins with a verb, as in "imports src/server.ts". */
export interface Violation {
  file: string;
  line: number;
  what: string;
  why: string;
}

/** An import of a file, the path resolved. */
interface Edge {
  from: string;
  to: string;
  line: number;
}

/**
 * Returns what breaks a rule, in order of file and line.
 *
 * @param files text of every file to judge, by its path from the root of the repository, as in `src/channel/hub.ts`
 * @param rules what to go by
 * @param exists tells of a path that is not in `files` whether there is such a file
 */
export function findViolations(
  files: ReadonlyMap<string, string>,
  rules: Rules,
  exists: (path: string) => boolean,
): Violation[] {
  const violations: Violation[] = [];
  const edges: Edge[] = [];
  for (const [file, source] of files) {
    violations.push(...fileViolations(file, source, rules));
    for (const { line, specifier } of scanImports(source)) {
      const relative = /^\.{1,2}(\/|$)/.test(specifier);
      const to = relative ? posix.join(posix.dirname(file), specifier) : specifier;
      const edge = { from: file, to, line };
      const why = relative
        ? (brokenPath(file, to, (path) => files.has(path) || exists(path)) ?? brokenDirection(edge, rules))
        : strayPackage(file, specifier, rules);
      if (relative) edges.push(edge);
      if (why) violations.push({ file, line, what: `imports ${to}`, why });
    }
  }
  violations.push(...findCycles(edges));
  return violations.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

/** What is wrong with a file whomever it imports. */
function fileViolations(file: string, source: string, rules: Rules): Violation[] {
  const violations: Violation[] = [];
  const inDirection = file.startsWith('src/') && !isTest(file);
  if (inDirection && layerOf(file, rules.layers) < 0) {
    violations.push({ file, line: 1, what: 'has no layer', why: `give it a room in ${rules.rulesFile}` });
  }
  if (!rules.barrels.includes(file) && isBarrel(source)) {
    const why = 'it only re-exports; import from the files that define the names';
    violations.push({ file, line: 1, what: 'is a barrel', why });
  }
  for (const { what, code, files } of inDirection ? rules.homes : []) {
    if (!code || matchesAny(files, file)) continue;
    for (const match of blankText(source).matchAll(new RegExp(code.source, 'g'))) {
      const line = lineAt(source, match.index);
      violations.push({ file, line, what: `uses ${match[0]}`, why: homeSentence(what, files) });
    }
  }
  return violations;
}

function brokenPath(from: string, to: string, exists: (path: string) => boolean): string | undefined {
  // What browsers load is JavaScript, and its tests import it as it is.
  if (isTest(from) && to.endsWith('.js') && exists(to)) return undefined;
  // The launcher is JavaScript as well, and who starts what it starts uses its parts; so are baselines, which run on Node 20
  // and share parts with those on Bun.
  if (from.startsWith('bench/') && /^(bin|bench\/baselines)\/[^/]+\.mjs$/.test(to) && exists(to))
    return undefined;
  if (!to.endsWith('.ts')) return 'a relative import ends in .ts';
  if (!exists(to)) return 'there is no such file';
  return undefined;
}

function strayPackage(file: string, specifier: string, { homes }: Rules): string | undefined {
  if (!file.startsWith('src/') || isTest(file)) return undefined;
  const home = homes.find((each) => each.specifier?.test(specifier) && !matchesAny(each.files, file));
  return home && homeSentence(home.what, home.files);
}

/** Why `from` may not import `to`, or undefined when it may. Tests may import anything but entries. */
function brokenDirection({ from, to }: Edge, rules: Rules): string | undefined {
  if (rules.entries.includes(to)) return 'it starts the process and is imported by nobody';
  if (isTest(from)) return undefined;
  if (isTest(to)) return 'a source does not import a test';
  if (!from.startsWith('src/')) return undefined;
  if (!to.startsWith('src/')) return 'sources import nothing outside src/';

  const [fromLayer, toLayer] = [layerOf(from, rules.layers), layerOf(to, rules.layers)];
  const [upper, lower] = [rules.layers[fromLayer], rules.layers[toLayer]];
  if (!upper || !lower) return undefined; // reported as a file without a layer
  if (toLayer < fromLayer) return `${upper.name} is below ${lower.name}; imports point down`;

  const sameFolder = upper === lower && folderOf(from) === folderOf(to);
  if (lower.onlyImportedBy && lower.onlyImportedBy !== upper.name && !sameFolder) {
    return `only ${lower.onlyImportedBy} and its own folder import from ${lower.name}; import the contract`;
  }
  const broken = rules.enclosures.find(
    ({ path, mayImport }) =>
      matchLength(path, from) > 0 && !mayImport.some((each) => matchLength(each, to) > 0),
  );
  return broken && `${broken.path} imports only ${broken.mayImport.join(', ')}: ${broken.why}`;
}

/** Returns violations that name, for every file in a cycle, one of the shortest ways around; each way once. */
function findCycles(edges: Edge[]): Violation[] {
  const outgoing = new Map<string, Edge[]>();
  for (const edge of edges) outgoing.set(edge.from, [...(outgoing.get(edge.from) ?? []), edge]);

  const violations: Violation[] = [];
  const knotted = new Set<string>();
  for (const start of [...outgoing.keys()].sort()) {
    if (knotted.has(start)) continue;
    const way = shortestWayBack(start, outgoing);
    const first = way?.[0];
    if (!way || !first) continue;
    for (const { from } of way) knotted.add(from);
    const why = `closes a cycle, ${[start, ...way.map(({ to }) => to)].join(' → ')}`;
    violations.push({ file: start, line: first.line, what: `imports ${first.to}`, why });
  }
  return violations;
}

/** Breadth first, so that the way found is a shortest one. */
function shortestWayBack(start: string, outgoing: ReadonlyMap<string, Edge[]>): Edge[] | undefined {
  const seen = new Set<string>();
  const ways: Edge[][] = (outgoing.get(start) ?? []).map((edge) => [edge]);
  for (const way of ways) {
    const end = way.at(-1)?.to ?? start;
    if (end === start) return way;
    if (seen.has(end)) continue;
    seen.add(end);
    for (const edge of outgoing.get(end) ?? []) ways.push([...way, edge]);
  }
  return undefined;
}

/** Returns the index of the layer of a file of src/, or -1. */
function layerOf(file: string, layers: Layer[]): number {
  const lengths = layers.map(({ paths }) => Math.max(...paths.map((path) => matchLength(path, file))));
  const longest = Math.max(...lengths);
  return longest > 0 ? lengths.indexOf(longest) : -1;
}

/** How much of `file` a path of a layer names: 0 when it does not fit. */
function matchLength(path: string, file: string): number {
  const full = `src/${path}`;
  return file === full || (path.endsWith('/') && file.startsWith(full)) ? path.length : 0;
}

function matchesAny(patterns: string[], file: string): boolean {
  return patterns.some((pattern) => {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
    return new RegExp(`^${escaped}$`).test(file);
  });
}

function homeSentence(what: string, files: string[]): string {
  return `${what} has its home in ${files.join(' and ')}`;
}

/** `transport` of `src/transport/bun-transport.ts`. */
function folderOf(file: string): string | undefined {
  return file.split('/')[1];
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}
