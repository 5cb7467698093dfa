/**
 * The command line of the proxy.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../lib/cli/usage_error.ts";
import type { NetworkAddress } from "../../lib/transport/network.ts";
import {
  checkFaults,
  type Cut,
  CUT_KINDS,
  type CutKind,
  type Directions,
  type EachWay,
  type Faults,
  type Flip,
  type Refusal,
  type Stammer,
} from "./faults.ts";
import type { ChaosOptions } from "./proxy.ts";
import { readCount, readSize, readTime } from "./units.ts";

/** What `--help` shows. */
export const HELP = `chaos_proxy.ts --to HOST:PORT [OPTIONS]

A TCP proxy that does to connections what bad networks do. "up" is the way from
the client to the server, "down" the way back.

      --to HOST:PORT          where the server is
      --listen HOST:PORT      where to listen (default 127.0.0.1:0, any port)
      --seed N                settles all that is left to chance (default: any;
                              it is printed, and gives the same faults again)
      --max-connections N     reset whoever is one too many
Slowness, on both ways or with -up or -down on one (--delay-up 60ms):
      --delay TIME            every byte is so long under way; limits no rate
      --rate SIZE             bytes a second of each connection
      --total-rate SIZE       bytes a second of all connections together
      --buffer SIZE           bytes under way at most, for a delay without rate
                              (default 64M)
      --stammer N             pieces of 1 to N bytes
      --stammer-delay TIME    pause after each piece (default 0)
Damage:
      --flip-every SIZE       one wrong bit in every so many bytes of a way
      --flip-from SIZE        not in the first bytes of a connection
      --flip-times N          flips on each way of each connection at most
Cuts, where X is reset (a real RST), close, or silence (nothing arrives any
more, and nothing is closed):
      --X-after SIZE          when so many bytes went one way of a connection
      --X-between MIN-MAX     when a number of bytes by chance did
      --X-total SIZE          when so many went over all; all are cut
      --X-times N             so often at most, over all connections
Where, with X one of stammer, flip, reset, close and silence:
      --X-direction up|down|both   which way (default both)
      --X-connection N        only on this connection; the first is 1
                              (not with stammer)
Nobody is let in (the port is closed, and opened again):
      --refuse-after TIME     from then on (default: from the start)
      --refuse-for TIME       for so long (default: for good)
      --help                  this text

Sizes have units of 1024 (4096, 100M, 1.5GiB), times are 60ms, 2s, 1min or just
milliseconds. Prints "listening HOST:PORT"; ends with SIGINT or SIGTERM, and
prints what it has done as one line of JSON.

Examples:
  deno run --allow-net tools/chaos_proxy.ts --to 127.0.0.1:65430 \\
    --rate 20M --delay 60ms                        a long fat link
  ... --stammer 16 --stammer-delay 1ms             the stammering proxy
  ... --reset-between 100M-400M --reset-times 10   ten resets by chance
  ... --flip-every 100M --flip-direction down      one wrong bit per 100 MiB
  ... --silence-after 10M --silence-connection 2   a cable is pulled
`;

const WAYS = ["delay", "rate", "total-rate"] as const;
const CUT_OPTIONS = ["after", "between", "total", "times", "direction"];

const NAMES: readonly string[] = [
  ...["to", "listen", "seed", "max-connections", "buffer"],
  ...WAYS.flatMap((name) => [name, `${name}-up`, `${name}-down`]),
  ...["stammer", "stammer-delay", "stammer-direction"],
  ...["every", "from", "times", "direction", "connection"]
    .map((name) => `flip-${name}`),
  ...CUT_KINDS.flatMap((kind) =>
    [...CUT_OPTIONS, "connection"].map((name) => `${kind}-${name}`)
  ),
  ...["refuse-after", "refuse-for"],
];

/** The options that were given, by name. */
class Values {
  readonly #values: ReadonlyMap<string, string>;

  constructor(args: readonly string[]) {
    const refuse = (word: string): never => {
      throw new UsageError(`Cannot use "${word}": see --help`);
    };
    const parsed: Record<string, unknown> = parseArgs([...args], {
      string: NAMES,
      collect: NAMES,
      unknown: (word) => refuse(word),
    });
    // What follows "--" is not unknown to the parser.
    const [rest] = parsed["_"] as (string | number)[];
    if (rest !== undefined) refuse(String(rest));
    const values = new Map<string, string>();
    for (const name of NAMES) {
      const given = parsed[name] as string[];
      if (given.length > 1) {
        throw new UsageError(`Cannot use --${name} more than once`);
      }
      const [value] = given;
      if (value === "") throw new UsageError(`Cannot use --${name} alone`);
      if (value !== undefined) values.set(name, value);
    }
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Reads a value; an option that is not given has none. */
  read<T>(
    name: string,
    reader: (option: string, text: string) => T,
  ): T | undefined {
    const text = this.#values.get(name);
    return text === undefined ? undefined : reader(name, text);
  }

  /** Whether one of these was given. */
  hasAny(...names: readonly string[]): boolean {
    return names.some((name) => this.#values.has(name));
  }

  /** Which options begin so. */
  withPrefix(prefix: string): string[] {
    return [...this.#values.keys()].filter((name) => name.startsWith(prefix));
  }
}

function readDirection(option: string, text: string): Directions {
  if (text === "up" || text === "down" || text === "both") return text;
  throw new UsageError(
    `Cannot use "${text}" for --${option}: give up, down or both`,
  );
}

function readRange(option: string, text: string): [number, number] {
  const [min, max, ...rest] = text.split("-");
  if (min === undefined || max === undefined || rest.length > 0) {
    throw new UsageError(
      `Cannot use "${text}" for --${option}: give two sizes, such as 10M-400M`,
    );
  }
  return [readSize(option, min), readSize(option, max)];
}

function readAddress(option: string, text: string): NetworkAddress {
  const groups = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+)):(?<port>\d{1,5})$/
    .exec(text)?.groups;
  const hostname = groups?.["v6"] ?? groups?.["name"];
  const port = Number(groups?.["port"]);
  if (hostname !== undefined && port <= 65_535) return { hostname, port };
  throw new UsageError(
    `Cannot use "${text}" for --${option}: give HOST:PORT, such as 127.0.0.1:65430`,
  );
}

function eachWay(
  values: Values,
  name: string,
  reader: (option: string, text: string) => number,
): EachWay | undefined {
  const both = values.read(name, reader);
  const up = values.read(`${name}-up`, reader) ?? both;
  const down = values.read(`${name}-down`, reader) ?? both;
  return up === undefined && down === undefined ? undefined : { up, down };
}

/** Refuses options that say where a fault is that nothing switches on. */
function refuseWithout(
  values: Values,
  prefix: string,
  needed: readonly string[],
): void {
  const [lonely] = values.withPrefix(`${prefix}-`);
  if (lonely === undefined || values.hasAny(...needed)) return;
  const names = needed.map((name) => `--${name}`).join(" or ");
  throw new UsageError(`Cannot use --${lonely} without ${names}`);
}

function readStammer(values: Values): Stammer | undefined {
  refuseWithout(values, "stammer", ["stammer"]);
  const sizeMax = values.read("stammer", readCount);
  if (sizeMax === undefined) return undefined;
  return {
    sizeMax,
    delay: values.read("stammer-delay", readTime),
    direction: values.read("stammer-direction", readDirection),
  };
}

function readFlip(values: Values): Flip | undefined {
  refuseWithout(values, "flip", ["flip-every"]);
  const every = values.read("flip-every", readSize);
  if (every === undefined) return undefined;
  return {
    every,
    from: values.read("flip-from", readSize),
    times: values.read("flip-times", readCount),
    direction: values.read("flip-direction", readDirection),
    connection: values.read("flip-connection", readCount),
  };
}

function readCut(values: Values, kind: CutKind): Cut | undefined {
  const points = [`${kind}-after`, `${kind}-between`, `${kind}-total`];
  refuseWithout(values, kind, points);
  if (!values.hasAny(...points)) return undefined;
  return {
    after: values.read(`${kind}-after`, readSize),
    between: values.read(`${kind}-between`, readRange),
    total: values.read(`${kind}-total`, readSize),
    times: values.read(`${kind}-times`, readCount),
    direction: values.read(`${kind}-direction`, readDirection),
    connection: values.read(`${kind}-connection`, readCount),
  };
}

function readRefusal(values: Values): Refusal | undefined {
  if (!values.hasAny("refuse-after", "refuse-for")) return undefined;
  return {
    after: values.read("refuse-after", readTime),
    lasting: values.read("refuse-for", readTime),
  };
}

function readFaults(values: Values): Faults {
  const faults: Faults = {
    delay: eachWay(values, "delay", readTime),
    rate: eachWay(values, "rate", readSize),
    totalRate: eachWay(values, "total-rate", readSize),
    buffer: values.read("buffer", readSize),
    stammer: readStammer(values),
    flip: readFlip(values),
    reset: readCut(values, "reset"),
    close: readCut(values, "close"),
    silence: readCut(values, "silence"),
    refuse: readRefusal(values),
    connectionsMax: values.read("max-connections", readCount),
  };
  try {
    checkFaults(faults);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
  return faults;
}

/**
 * Reads the command line.
 *
 * @param args The words.
 * @returns How to start the proxy; `"help"` if that is all that is wanted.
 * @throws {UsageError} with a sentence for whoever typed it.
 */
export function readCommandLine(
  args: readonly string[],
): ChaosOptions | "help" {
  if (args.includes("--help") || args.includes("-h")) return "help";
  const values = new Values(args);
  const to = values.read("to", readAddress);
  if (to === undefined) {
    throw new UsageError("Cannot start without --to HOST:PORT: see --help");
  }
  return {
    to,
    listen: values.read("listen", readAddress),
    seed: values.read("seed", readCount),
    ...readFaults(values),
  };
}
