/**
 * A network behind one link, whose other end can go down as when a cable is pulled: nobody behind it says goodbye, and nobody before it
 * is told. A network namespace with a pair of virtual interfaces (`ip-netns(8)`, `veth(4)`), gone with `remove`.
 */
import { execFileSync } from 'node:child_process';

/** The link goes by the process, so that two labs do not meet. */
const name = `outcry${process.pid}`;
const [near, far] = [`${name}a`, `${name}b`];

export class FarNetwork {
  /** Of this machine, as seen from there. */
  readonly nearAddress: string;

  private constructor(nearAddress: string) {
    this.nearAddress = nearAddress;
  }

  /** Why there can be none here; null if there can. */
  static whyNot(): string | null {
    if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
    if (process.getuid?.() !== 0) return 'only root may make a network namespace';
    try {
      ip('netns', 'list');
      return null;
    } catch {
      return 'the command ip is missing: apt-get install iproute2 installs it';
    }
  }

  static make(): FarNetwork {
    // Of the range that RFC 2544 sets apart for tests, four addresses by the process.
    const block = `198.18.${(process.pid >> 6) & 255}`;
    const at = (process.pid & 63) << 2;
    const network = new FarNetwork(`${block}.${at + 1}`);
    ip('netns', 'add', name);
    try {
      ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
      ip('address', 'add', `${network.nearAddress}/30`, 'dev', near);
      ip('link', 'set', near, 'up');
      ip('-n', name, 'address', 'add', `${block}.${at + 2}/30`, 'dev', far);
      ip('-n', name, 'link', 'set', far, 'up');
    } catch (error) {
      network.remove();
      throw error;
    }
    return network;
  }

  /** The words with which a program is started there. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', name];
  }

  /** Its end of the link goes down: what is sent there arrives nowhere, and no answer comes. */
  cut(): void {
    ip('-n', name, 'link', 'set', far, 'down');
  }

  /** The link goes with it. */
  remove(): void {
    ip('netns', 'delete', name);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
