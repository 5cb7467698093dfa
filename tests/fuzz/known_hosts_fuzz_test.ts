/**
 * Whatever stands in a list of known servers, it is read without a failure:
 * each line is a server, a problem or nothing, and what was written is found.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formatFingerprint, KnownHosts } from "../../lib/identity/mod.ts";
import type { SeededRandom } from "../helpers/seeded_random.ts";
import { fuzz } from "./fuzz.ts";

/** What lines are made of: what is right, what is nearly right, and noise. */
const PIECES: readonly ((random: SeededRandom) => string)[] = [
  (random) => formatFingerprint(random.bytes(32)),
  (random) => formatFingerprint(random.bytes(random.integer(0, 40))),
  (random) => `h${random.below(9)}:${random.integer(0, 70_000)}`,
  (random) => `[::${random.below(9)}]:${random.integer(0, 70_000)}`,
  () => "SHA256:",
  () => ":",
  () => "#",
  () => " ",
  () => "\t",
  () => "\r",
  () => "\n",
  () => "\0",
  () => "\u2028",
  () => "\u{1f511}",
  (random) => String.fromCharCode(random.below(65_536)),
  (random) => "x".repeat(random.size(0, 2000)),
];

function noise(random: SeededRandom): string {
  return Array.from(
    { length: random.integer(0, 30) },
    () => random.pick(PIECES)(random),
  ).join("");
}

fuzz("known_hosts of any content is read", (random) => {
  const text = noise(random);
  const known = KnownHosts.parse(text);
  const lines = text.split("\n");
  const told = [...known.hosts, ...known.problems].map(({ line }) => line);
  assertEquals(new Set(told).size, told.length, "no line counts twice");
  for (const line of told) assert(line >= 1 && line <= lines.length);
  for (const [index, line] of lines.entries()) {
    const isNothing = line.trim() === "" || line.trim().startsWith("#");
    assertEquals(told.includes(index + 1), !isNothing, JSON.stringify(line));
  }
  for (const { host, fingerprint } of known.hosts) {
    assertEquals(fingerprint.length, 32);
    assert(known.find(host) !== undefined);
  }
}, 10);

fuzz(
  "known_hosts finds what was written, whatever stands around it",
  (random) => {
    const host = `host${random.below(1000)}:${random.integer(1, 65_535)}`;
    const fingerprint = random.bytes(32);
    const before = noise(random).replaceAll("host", "");
    const line = `${host} ${formatFingerprint(fingerprint)}`;
    const known = KnownHosts.parse(`${before}\n${line}\n${noise(random)}`);
    assertEquals(known.find(host)?.fingerprint, fingerprint);
  },
);
