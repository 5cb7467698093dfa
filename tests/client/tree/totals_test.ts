import { assertEquals } from "@std/assert";
import { Totals } from "../../../lib/client/tree/totals.ts";
import type { TreeFile } from "../../../lib/client/mod.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";

interface Moved {
  readonly file: TreeFile;
  state: "waiting" | "active" | "done" | "dropped";
  bytes: number;
  size: number;
}

/** The same, added up from the beginning each time. */
function addUp(all: readonly Moved[]): { bytes: number; bytesTotal: number } {
  let bytes = 0;
  let bytesTotal = 0;
  for (const each of all) {
    if (each.state === "waiting") bytesTotal += each.file.size ?? 0;
    if (each.state === "active") {
      bytesTotal += Math.max(each.size, each.bytes);
    }
    if (each.state === "done") bytesTotal += each.bytes;
    if (each.state !== "dropped") bytes += each.bytes;
  }
  return { bytes, bytesTotal };
}

Deno.test("Totals are what adding everything up would give, after any steps", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new SeededRandom(seed);
    const totals = new Totals(undefined);
    const all: Moved[] = [];
    for (let step = 0; step < 300; step++) {
      const each = all[random.below(all.length + 1)];
      if (each === undefined) {
        const size = random.below(4) === 0 ? undefined : random.below(1000);
        const [path, modified, mode] = [`f${all.length}`, undefined, 0];
        const file = { path, remote: path, local: path, size, modified, mode };
        all.push({ file, state: "waiting", bytes: 0, size: size ?? 0 });
        totals.add(file);
      } else if (each.state === "waiting" && random.below(4) === 0) {
        each.state = "dropped";
        totals.drop(each.file);
      } else if (each.state === "waiting") {
        each.state = "active";
        totals.begin(each.file);
        assertEquals(totals.read().name, each.file.path);
      } else if (each.state === "active" && random.below(3) > 0) {
        const bytes = random.below(1200);
        const total = random.below(2) === 0 ? undefined : random.below(1200);
        each.bytes = Math.max(each.bytes, bytes);
        each.size = total ?? each.size;
        totals.advance(each.file, bytes, total);
      } else if (each.state === "active") {
        each.state = "done";
        totals.end(each.file);
      }
      const { bytes, bytesTotal } = totals.read();
      assertEquals({ bytes, bytesTotal }, addUp(all), `seed ${seed}`);
    }
  }
});
