import { assertEquals } from "@std/assert";
import { progressLine } from "../../lib/cli/progress_line.ts";
import { ProgressDisplay } from "../../lib/cli/progress_display.ts";
import {
  type MeterReading,
  TransferMeter,
} from "../../lib/cli/transfer_meter.ts";
import { textWidth } from "../../lib/cli/width.ts";
import { settle, StillClock } from "./world.ts";

const READING: MeterReading = {
  files: 1,
  filesTotal: 3,
  bytes: 1_288_490_188,
  bytesTotal: 2_791_728_742,
  percent: 46,
  rate: 327_155_712,
  remaining: 4.6,
  name: "photos/2026/日本の写真/IMG_0001.jpg",
};

Deno.test("progressLine() fits into 20, 40, 80 and 200 columns", () => {
  const lines: Record<number, string> = {
    20: " 46%  …/IMG_0001.jpg",
    40: " 46%  1.20 GiB of 2.60 GiB  312 MiB/s",
    80:
      " 46%  1.20 GiB of 2.60 GiB  312 MiB/s  0:05 left  file 2 of 3  …真/IMG_0001.jpg",
    200:
      " 46%  1.20 GiB of 2.60 GiB  312 MiB/s  0:05 left  file 2 of 3  photos/2026/日本の写真/IMG_0001.jpg",
  };
  for (const [columns, line] of Object.entries(lines)) {
    assertEquals(progressLine(READING, Number(columns)), line);
  }
  for (let columns = 10; columns < 120; columns++) {
    const width = textWidth(progressLine(READING, columns));
    assertEquals(width <= columns, true, `${width} of ${columns}`);
  }
});

Deno.test("progressLine() says only what is known", () => {
  const unknown = {
    ...READING,
    filesTotal: 1,
    bytesTotal: undefined,
    percent: undefined,
    rate: undefined,
    remaining: undefined,
    name: "a\x1b[2J",
  };
  assertEquals(progressLine(unknown, 80), "1.20 GiB  a\\u{1b}[2J");
  assertEquals(
    progressLine({ ...READING, remaining: undefined }, 52),
    " 46%  1.20 GiB of 2.60 GiB  312 MiB/s  --:-- left",
  );
});

Deno.test("TransferMeter never goes backwards", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [100, 100]);
  const percents: Array<number | undefined> = [];
  const see = () => percents.push(meter.read().percent);
  see();
  meter.begin("a");
  meter.advance(60, 100);
  see();
  // The file starts over, and has grown.
  meter.advance(0, 400);
  see();
  await clock.advance(1000);
  meter.advance(400, 400);
  meter.end();
  see();
  meter.begin("b");
  meter.advance(50, 100);
  // The second file fails half-way.
  meter.end();
  see();
  assertEquals(percents, [0, 30, 30, 80, 100]);
  const { bytes, bytesTotal, files } = meter.read();
  assertEquals([bytes, bytesTotal, files], [450, 450, 2]);
  assertEquals(meter.elapsed, 1000);
});

Deno.test("TransferMeter knows its rate of the last seconds, and when it is done", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [undefined, 1000]);
  meter.begin("a");
  await clock.advance(100);
  meter.advance(10, undefined);
  assertEquals(meter.read().rate, undefined);
  assertEquals(meter.read().bytesTotal, undefined);
  for (let second = 0; second < 20; second++) {
    await clock.advance(500);
    meter.advance(10 + second * 50, 2000);
  }
  const steady = meter.read();
  assertEquals(Math.round(steady.rate ?? 0), 100);
  assertEquals(steady.bytesTotal, 3000);
  assertEquals(Math.round(steady.remaining ?? 0), 20);
  for (let second = 0; second < 12; second++) {
    await clock.advance(500);
    meter.read();
  }
  const stalled = meter.read();
  assertEquals([stalled.rate, stalled.remaining], [0, undefined]);
});

Deno.test("TransferMeter makes no promise beyond a hundred hours", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [1e12]);
  meter.begin("a");
  await clock.advance(1000);
  meter.advance(1, 1e12);
  assertEquals(meter.read().remaining, undefined);
});

Deno.test("ProgressDisplay waits for a slow reader and stops for good", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [1]);
  let [shown, cleared] = [0, 0];
  let finish = () => {};
  const display = new ProgressDisplay(clock, meter, {
    interval: 100,
    show: () => {
      shown++;
      return new Promise<void>((resolve) => finish = resolve);
    },
    clear: () => {
      cleared++;
      return Promise.resolve();
    },
  });
  await clock.advance(1000);
  assertEquals(shown, 1);
  finish();
  await settle();
  await clock.advance(100);
  assertEquals(shown, 2);
  await display.stop();
  finish();
  await clock.advance(1000);
  assertEquals([shown, cleared, clock.pending], [2, 1, 0]);
});
