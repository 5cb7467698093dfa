/**
 * Wrong bits on the way: what arrives is exact, what was damaged is sent again
 * and counted, and damage on the control connection costs no more than that.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  assertSameFile,
  Gate,
  only,
  settles,
  writeLarge,
} from "../integration/scene.ts";
import { MIB, SCALE, tell, tortureTest } from "./scale.ts";

const SEED = 20_261_123;
const SIZE = SCALE.damagedSize;

for (const command of ["put", "get"] as const) {
  tortureTest(
    `a ${command} of ${SIZE} bytes with a wrong bit in every ${SCALE.flipEvery} ends exact, seed ${SEED}`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SIZE);
      const server = await scene.server();
      const direction = command === "put" ? "up" : "down";
      const chaos = await scene.chaos(server, SEED, {
        flip: { every: SCALE.flipEvery, from: 64 * 1024, direction },
      });
      const events = await scene.events([command, chaos.host, "big"]);
      await assertSameFile(source, copy);
      const { flips } = chaos.counters;
      assertGreater(flips, SIZE / SCALE.flipEvery / 2);
      const receipt = only(events, "receipt");
      const reconnects = events.filter(({ event }) => event === "reconnect");
      tell(
        `${command}: ${flips} wrong bits, ${receipt["repaired"]} chunks ` +
          `repaired, ${reconnects.length} connections made again`,
      );
      // By chance a wrong bit hits a header: that one costs a connection, and
      // the receipt counts from there.
      if (reconnects.length === 0) assertEquals(receipt["repaired"], flips);
      await settles(scene, ["big"]);
    },
  );
}

/** Frames of the control connection that come while a file is moved. */
const CONTROL_FRAMES = [["client", "PING"], ["server", "PONG"]] as const;

for (const command of ["put", "get"] as const) {
  for (const [from, type] of CONTROL_FRAMES) {
    for (const verdict of ["damage", "damage-magic"] as const) {
      tortureTest(
        `a ${command} goes on after a wrong bit in the control connection: ${verdict} of a ${type}`,
        async (scene) => {
          const [source, copy] = scene.ends(command, "big");
          await writeLarge(source, SEED, 24 * MIB);
          const server = await scene.server();
          const gate = new Gate();
          let isDone = false;
          const proxy = scene.proxy(server, (passing) => {
            const { connection } = passing;
            if (passing.type === "DATA" && passing.index === 8 && !isDone) {
              return gate.hold();
            }
            const isIt = connection === 0 && passing.from === from &&
              passing.type === type;
            if (!isIt || isDone) return "pass";
            isDone = true;
            gate.open();
            return verdict;
          });
          const events = await scene.events(
            ["--timeout", "3", command, proxy.host, "big"],
          );
          assertEquals(isDone, true);
          // On a busy machine it may be lost once more: three seconds are few.
          assert(events.some(({ event }) => event === "reconnect"));
          assertGreater(Number(only(events, "receipt")["resumedFrom"]), 0);
          await assertSameFile(source, copy);
          await settles(scene, ["big"]);
          if (from === "client") {
            assertMatch(
              server.stderr,
              /Closing the connection from .*: (integrity|protocol): /,
            );
          }
        },
      );
    }
  }
}
