// Loaded into every process of a test with `--import`: any use of the network besides this computer is refused, and
// everything that happens is noted in the file that LONGHAND_NETWORK_LOG names, one line each.
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const log = process.env['LONGHAND_NETWORK_LOG'] ?? '';
const note = (line: string): void => appendFileSync(log, `${line}\n`);

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

function refuse(what: string): never {
  note(`refused ${what} by ${process.argv[1] ?? 'node'}`);
  throw new Error(`the network was used: ${what}`);
}

interface Target {
  /** node:http leaves null here. */
  readonly path?: string | null;
  readonly host?: string;
}

/** Replaces a method by one that looks at its arguments first. */
function guard(owner: object, name: string, check: (args: readonly unknown[]) => void): void {
  const original = Reflect.get(owner, name) as (...args: unknown[]) => unknown;
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    check(args);
    return Reflect.apply(original, this, args);
  });
}

/** The target in the forms that net takes: options, (port, host), path, or these in an array of its own. */
function targetOf(args: readonly unknown[]): Target {
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as readonly unknown[];
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first };
  return typeof second === 'string' ? { host: second } : {};
}

guard(net.Socket.prototype, 'connect', (args) => {
  const { path, host = 'localhost' } = targetOf(args);
  if (typeof path !== 'string' && !isLoopback(host)) refuse(`connect ${host}`);
});
guard(net.Server.prototype, 'listen', (args) => {
  const { path, host = 'every address' } = targetOf(args);
  if (typeof path !== 'string' && !isLoopback(host)) refuse(`listen on ${host}`);
  note(`listen ${host}`);
});
for (const name of Object.keys(dns).filter((key) => /^(lookup|resolve|reverse)/.test(key))) {
  guard(dns, name, ([host]) => {
    if (!isLoopback(String(host))) refuse(`dns ${name} ${String(host)}`);
  });
}
for (const name of Object.keys(dns.promises).filter((key) => /^(lookup|resolve|reverse)/.test(key))) {
  guard(dns.promises, name, ([host]) => {
    if (!isLoopback(String(host))) refuse(`dns ${name} ${String(host)}`);
  });
}
guard(dgram, 'createSocket', () => refuse('a datagram socket'));

note(`loaded ${process.argv[1] ?? 'node'}`);
