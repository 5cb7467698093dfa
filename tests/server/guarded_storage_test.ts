/**
 * A guard that allows everything is no hindrance: the contract of every storage
 * holds behind it, and the count is that of a walk, whatever was done.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  AccessRules,
  countUsage,
  QuotaLedger,
} from "../../lib/accounts/mod.ts";
import { RIGHTS } from "../../lib/protocol/mod.ts";
import { GuardedStorage } from "../../lib/server/guarded_storage.ts";
import { DiskStorage, MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { testStorage } from "../storage/storage_contract.ts";

async function guarded(rules: boolean, isCounted: boolean) {
  const clock = new FakeClock();
  const disk = new MemoryDisk({ clock });
  const inner = await DiskStorage.open(disk, "/", { clock });
  const { root } = inner;
  const ledger = await QuotaLedger.open(
    { disk, clock, random: new SeededRandom(1), path: undefined },
    isCounted ? [root] : [],
  );
  const storage = new GuardedStorage(inner, {
    access: new AccessRules(
      RIGHTS,
      rules ? [{ path: "no/such/place", rights: [] }] : [],
    ),
    ledger,
    root,
    quota: isCounted ? { bytes: 1e12, files: 1e6 } : undefined,
  });
  return {
    storage,
    async [Symbol.asyncDispose](): Promise<void> {
      await inner[Symbol.asyncDispose]();
      if (isCounted) {
        const { used, staged } = await countUsage(disk, root);
        const counted = await ledger.usage(root);
        // What is left of an upload counts as far as it was verified.
        if (staged.size === 0) assertEquals(counted, used);
      }
      await ledger.close();
      assertEquals(disk.openHandles, 0);
    },
  };
}

testStorage("guarded", () => guarded(false, false));
testStorage("guarded by rules", () => guarded(true, false));
testStorage("guarded and counted", () => guarded(false, true));
