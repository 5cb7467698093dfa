/**
 * Large files through programs that are killed and connections that are reset,
 * again and again: they arrive exact, and nothing is sent twice that did not
 * have to be.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  assertSameFile,
  type FerryEvent,
  NEEDS_UNIX,
  only,
  parseEvents,
  type Program,
  type Scene,
  type ServerProgram,
  settles,
  tree,
  until,
  writeLarge,
} from "../integration/scene.ts";
import { IS_FULL, MIB, SCALE, tell, tortureTest } from "./scale.ts";

const SEED = 20_261_121;
const SIZE = SCALE.killedSize;

/**
 * What a try may cost besides what it brings: what is in the buffers of three
 * programs and their sockets, and what was not noted yet.
 */
const TRY_COST = 64 * MIB;

/** What a transfer may cost besides: headers, and requests. */
const OVERHEAD = Math.floor(0.02 * SIZE);

type Blow = "client" | "server" | "network";
type Command = "put" | "get";
type Chaos = Awaited<ReturnType<Scene["chaos"]>>;

const SERIES: readonly (readonly Blow[])[] = IS_FULL
  ? [tenOf("client"), tenOf("server"), tenOf("network")]
  : [["client", "server", "network", "client", "server"]];

function tenOf(blow: Blow): Blow[] {
  return new Array<Blow>(10).fill(blow);
}

/** Where the blows fall, in bytes; nothing is over by the last of them. */
function points(random: SeededRandom, count: number): number[] {
  const found = Array.from({ length: count }, () => random.unit() * 0.9 * SIZE);
  return found.sort((one, other) => one - other);
}

/** Bytes that went over a proxy, both ways. */
function carried({ counters: { bytesUp, bytesDown } }: Chaos): number {
  return bytesUp + bytesDown;
}

/** What clients have noted of uploads that are not done. */
async function notes({ state }: Scene): Promise<string[]> {
  return (await tree(state)).filter((path) => !path.endsWith("/"));
}

/** One transfer, and all that happens to it. */
class Ordeal {
  readonly #scene: Scene;
  readonly #chaos: Chaos;
  readonly #command: Command;
  #server: ServerProgram;
  #program: Program;
  /** How often the command was run, or a connection broken. */
  tries = 0;
  /** What had gone over the proxy, and how many tries there were, before the last run. */
  last = { carried: 0, tries: 0 };

  constructor(
    scene: Scene,
    command: Command,
    parts: { readonly chaos: Chaos; readonly server: ServerProgram },
  ) {
    this.#scene = scene;
    this.#command = command;
    this.#chaos = parts.chaos;
    this.#server = parts.server;
    this.#program = this.#run();
  }

  #run(): Program {
    this.last = { carried: carried(this.#chaos), tries: this.tries };
    this.tries++;
    const { host } = this.#chaos;
    const args = ["--json", this.#command, "--retries", "20", host, "big"];
    return this.#scene.start(args);
  }

  /** Strikes when so many bytes have gone over the proxy. */
  async strike(blow: Blow, point: number): Promise<void> {
    await until(
      `${point} bytes of a ${this.#command}`,
      () => {
        const isOver = this.#program.ending !== undefined;
        if (isOver) throw new Error(`it ended before ${point} bytes`);
        return carried(this.#chaos) >= point;
      },
      this.#scene.patience,
    );
    if (blow === "client") {
      this.#program.kill("SIGKILL");
      await this.#program.ended;
      this.#program = this.#run();
      return;
    }
    this.tries++;
    if (blow === "network") return this.#chaos.resetAll();
    this.#server.kill("SIGKILL");
    await this.#server.ended;
    this.#server = await this.#scene.server({
      args: ["-l", this.#server.host],
    });
  }

  /** Waits for its end. */
  async end(): Promise<FerryEvent> {
    const ending = await this.#program.ended;
    assertEquals(ending.code, 0, ending.stdout);
    return only(parseEvents(ending.stdout), "receipt");
  }
}

for (const command of ["put", "get"] as const) {
  for (const blows of SERIES) {
    const who = [...new Set(blows)].join(", ");
    tortureTest(
      `a ${command} of ${SIZE} bytes goes on after ${blows.length} blows (${who}), seed ${SEED}`,
      async (scene) => {
        const random = new SeededRandom(SEED);
        const [source, copy] = scene.ends(command, "big");
        await writeLarge(source, SEED, SIZE);
        const server = await scene.server();
        const chaos = await scene.chaos(server, SEED, {
          totalRate: SCALE.rate,
        });
        const ordeal = new Ordeal(scene, command, { chaos, server });
        const where = points(random, blows.length);
        for (const [index, blow] of blows.entries()) {
          await ordeal.strike(blow, where[index]!);
          assertEquals(await Deno.lstat(copy).catch(() => null), null);
        }
        const receipt = await ordeal.end();
        await assertSameFile(source, copy);
        assertGreater(Number(receipt["resumedFrom"]), 0);
        const bytes = carried(chaos);
        const bound = SIZE + OVERHEAD + ordeal.tries * TRY_COST;
        assert(bytes <= bound, `${bytes} bytes went, more than ${bound}`);
        // The last receipt tells of what its own program has moved.
        const { last, tries } = ordeal;
        const own = bytes - last.carried;
        const drift = Math.abs(Number(receipt["wireBytes"]) - own);
        const driftMax = OVERHEAD + (tries - last.tries) * TRY_COST;
        assert(drift <= driftMax, `it tells ${drift} bytes more or less`);
        tell(
          `${command}, ${who}: ${tries} tries, ${
            bytes - SIZE
          } bytes more than ` +
            `the file's ${SIZE} (${bound - SIZE} allowed), the receipt is ` +
            `${drift} off`,
        );
        assertEquals(await tree(scene.local), ["big"]);
        await settles(scene, ["big"]);
        assertEquals(await notes(scene), []);
      },
      NEEDS_UNIX,
    );
  }
}
