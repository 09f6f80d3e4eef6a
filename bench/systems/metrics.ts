/**
 * The metrics of an Outcry node, read once.
 */
export async function readMetrics(adminPort: number): Promise<(series: string) => number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const values = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))] as const;
      }),
  );
  return (series) => {
    const value = values.get(series);
    if (value === undefined) throw new Error(`the node has no series ${series}`);
    return value;
  };
}
