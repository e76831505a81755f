// Two hosts on this machine, as root: networks of their own with names of their own, and a wire of the
// kernel (veth) between them. node0 is 10.78.0.1, node1 is 10.78.0.2.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
const names = [0, 1].map((i) => `lmh${process.pid}-${i}`);
const hostsFile = (i) => join(tmpdir(), `${names[i]}-hosts`);

/** Address of a host. */
export const addressOf = (i) => `10.78.0.${1 + i}`;

/** A command on a host: in its network, under its name, with both names known. */
export function on(i, command) {
  const inside = ['nsenter', `--net=/run/netns/${names[i]}`, 'unshare', '--uts', '--mount'];
  const named = `mount --bind ${hostsFile(i)} /etc/hosts; hostname node${i}; exec "$@"`;
  return [...inside, 'sh', '-c', named, 'sh', ...command];
}

/** A program that takes the place of ssh: `FILE [-options] HOST words…`. */
export function writeShell(file) {
  const cases = [0, 1].map((i) => {
    const [words, last] = [
      on(i, [])
        .map((word) => `'${word}'`)
        .join(' '),
      '/bin/sh -c "$*"',
    ];
    return `node${i}) shift; exec ${words} ${last};;`;
  });
  const skip = 'while case "$1" in -*) true;; *) false;; esac; do shift; done'; // its options
  writeFileSync(file, ['#!/bin/sh', skip, 'case "$1" in', ...cases, 'esac', 'exit 1', ''].join('\n'), {
    mode: 0o755,
  });
}

/** Limits what either host sends: bits in a second, with a queue of 50 ms, and a part of it that is lost. */
export function hinder({ rate, lost }) {
  for (const [i, name] of names.entries()) {
    const queue = ['root', 'tbf', 'rate', rate, 'burst', '64kb', 'latency', '50ms'];
    ip('netns', 'exec', name, 'tc', 'qdisc', 'replace', 'dev', `eth${i}`, ...queue);
    const some = ['-m', 'statistic', '--mode', 'random', '--probability', String(lost)];
    ip('netns', 'exec', name, 'iptables', '-A', 'INPUT', ...some, '-j', 'DROP');
  }
}

/** Packets that the hosts have lost so far. */
export function lostPackets() {
  return names
    .map((name) => {
      const text = execFileSync('ip', ['netns', 'exec', name, 'iptables', '-L', 'INPUT', '-nvx'], {
        encoding: 'utf8',
      });
      return Number(/^\s*(\d+)\s+\d+\s+DROP/m.exec(text)?.[1] ?? 0);
    })
    .reduce((a, b) => a + b);
}

/** Takes the wire away, or brings it back. */
export const wire = (state) => ip('-n', names[0], 'link', 'set', 'eth0', state);

/** Runs work with two hosts; they are gone afterwards. */
export async function withHosts(work) {
  const hosts = `127.0.0.1 localhost\n${addressOf(0)} node0\n${addressOf(1)} node1\n`;
  try {
    for (const i of [0, 1]) {
      writeFileSync(hostsFile(i), hosts);
      ip('netns', 'add', names[i]);
    }
    ip('-n', names[0], 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', names[1]);
    for (const [i, name] of names.entries()) {
      ip('-n', name, 'address', 'add', `${addressOf(i)}/24`, 'dev', `eth${i}`);
      for (const link of ['lo', `eth${i}`]) ip('-n', name, 'link', 'set', link, 'up');
    }
    return await work();
  } finally {
    for (const i of [0, 1]) {
      ip('netns', 'delete', names[i]);
      rmSync(hostsFile(i));
    }
  }
}
