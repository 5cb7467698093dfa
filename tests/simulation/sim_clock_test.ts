import { assertEquals, assertRejects } from "@std/assert";
import { SimClock, StuckError } from "../helpers/sim_clock.ts";

Deno.test("SimClock fires timers by time, then by age", async () => {
  const clock = new SimClock();
  const fired: string[] = [];
  const delays = [30, 10, 20, 10, 0, 25, 10];
  for (const [index, delay] of delays.entries()) {
    clock.after(delay, () => fired.push(`${delay}/${index}`));
  }
  await clock.run(clock.sleep(40));
  assertEquals(fired, ["0/4", "10/1", "10/3", "10/6", "20/2", "25/5", "30/0"]);
  assertEquals(clock.monotonic(), 40);
});

Deno.test("SimClock fires no timer that was cancelled", async () => {
  const clock = new SimClock();
  let count = 0;
  const cancel = clock.after(5, () => count++);
  clock.after(1, cancel);
  await clock.run(clock.sleep(10));
  assertEquals(count, 0);
});

Deno.test("SimClock.run lets every promise job be done between two timers", async () => {
  const clock = new SimClock();
  let steps = 0;
  clock.after(1, async () => {
    for (let step = 0; step < 1000; step++) {
      await Promise.resolve();
      steps++;
    }
  });
  let seen = -1;
  clock.after(1, () => seen = steps);
  await clock.run(clock.sleep(2));
  assertEquals(seen, 1000);
});

Deno.test("SimClock.run notices that nothing can go on", async () => {
  const clock = new SimClock();
  await assertRejects(
    () => clock.run(new Promise(() => {})),
    StuckError,
    "everything waits",
  );
});
