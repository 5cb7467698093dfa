/**
 * How large the transfers of these tests are. `deno task test` runs them small;
 * `deno task torture` runs them as large as Ferry is made for, and says what it
 * measured.
 *
 * @module
 */
import { sceneTest } from "../integration/scene.ts";

/** Bytes of a mebibyte. */
export const MIB = 1_048_576;

const GIB = 1024 * MIB;

/** Whether the tests run at full size. */
export const IS_FULL: boolean = Deno.env.get("FERRY_TORTURE") === "full";

/** What differs between the two sizes. */
export interface Scale {
  /** Bytes of a file that is killed again and again. */
  readonly killedSize: number;
  /** Bytes a second through the proxy: so slow that there is a middle. */
  readonly rate: number;
  /** Bytes of a file whose source changes. */
  readonly changedSize: number;
  /** Bytes of a file with wrong bits on its way. */
  readonly damagedSize: number;
  /** Of so many bytes on their way one has a wrong bit. */
  readonly flipEvery: number;
  /** Files of a tree. */
  readonly fileCount: number;
  /** Bytes a second at which a tree is moved. */
  readonly treeRate: number;
  /** Connections of a crowd that are silent, and as many that trickle. */
  readonly crowd: number;
  /** Crowds that come afterwards. */
  readonly crowdsMore: number;
  /** Bytes of the file that a client gets meanwhile. */
  readonly crowdFileSize: number;
  /** Milliseconds that a program is waited for. */
  readonly patience: number;
}

const QUICK: Scale = {
  killedSize: 192 * MIB + 4321,
  rate: 80 * MIB,
  changedSize: 24 * MIB + 99,
  damagedSize: 64 * MIB,
  flipEvery: 7 * MIB,
  fileCount: 400,
  treeRate: 24 * MIB,
  crowd: 300,
  crowdsMore: 1,
  crowdFileSize: 16 * MIB,
  patience: 30_000,
};

const FULL: Scale = {
  killedSize: 4 * GIB + 4321,
  rate: 160 * MIB,
  changedSize: GIB + 99,
  damagedSize: 2 * GIB,
  flipEvery: 100_000_000,
  fileCount: 20_000,
  treeRate: 160 * MIB,
  crowd: 2000,
  crowdsMore: 3,
  crowdFileSize: GIB,
  patience: 600_000,
};

/** How large the transfers are. */
export const SCALE: Scale = IS_FULL ? FULL : QUICK;

/** A {@linkcode sceneTest} that waits as long as its size needs. */
export const tortureTest: typeof sceneTest = (name, run, ignored) =>
  sceneTest(name, (scene) => {
    scene.patience = SCALE.patience;
    return run(scene);
  }, ignored);

/** Says what was measured, at full size only: the small sizes prove no number. */
export function tell(text: string): void {
  if (!IS_FULL) return;
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
