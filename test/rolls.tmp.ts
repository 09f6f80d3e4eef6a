import { Ledger } from './support/ledger.ts';
import { TestCluster } from './support/cluster.ts';
const cluster = new TestCluster(['--nodes', '3', '--runtime', 'mixed'], {
  OUTCRY_NAMESPACES: '{"kept":{"historySize":10000}}',
});
await cluster.ready();
const [url = ''] = cluster.part('haproxy').addresses;
const ledger = await Ledger.open(url, 'kept:ledger', 50);
const plain = await Ledger.open(url, 'plain', 10);
ledger.speak(10);
plain.speak(50);
for (let i = 1; i <= 10; i++) {
  const t = performance.now();
  const { code, lines } = await cluster.roll();
  console.log(
    `roll ${i}`,
    code,
    `${((performance.now() - t) / 1000).toFixed(1)} s`,
    `published ${ledger.published} failed ${ledger.failed}`,
    JSON.stringify(ledger.sum),
    code ? lines.join('\n') : '',
  );
}
await ledger.settle();
console.log(
  'end',
  ledger.published,
  JSON.stringify(ledger.sum),
  'longest silence ms',
  Math.max(...ledger.accounts.map((a) => a.silenceMs)).toFixed(0),
  'codes',
  [...new Set(ledger.accounts.flatMap((a) => a.codes))].join(),
);
await plain.settle().catch((e) => console.log('plain', e.message));
console.log('without history', plain.published, JSON.stringify(plain.sum));
await ledger.close();
await plain.close();
await cluster.stop();
process.exit(0);
