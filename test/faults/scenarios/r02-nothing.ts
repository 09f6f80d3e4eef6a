/**
 * R2: nothing happens. Whatever is missing here is missing for no reason.
 */
import { atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const nothing: Scenario = {
  id: 'R2',
  fault: 'nothing at all',
  manner: 'works',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: around.short ? 300 : 1_000,
      channels: 100,
      messagesPerSecond: around.short ? 150 : 100,
    });
    await stage.speak();
    stage.fault(around.short ? 'for 8 s' : 'for 5 minutes');
    await stage.pass(around.short ? 8_000 : 300_000);
    stage.healed('the end');
    await stage.finish();
    const { lost, gaps } = stage.ledger.report(performance.now());
    return stage.result([
      exactly('lost', lost, 0),
      exactly('gaps', gaps, 0),
      exactly('disconnects', stage.disconnects, 0),
      atMost('standstill of the lab itself', stage.strain.standstillMs, 500, ' ms'),
    ]);
  },
};
