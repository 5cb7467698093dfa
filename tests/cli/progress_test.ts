import { assertEquals } from "@std/assert";
import { progressLine, progressLines } from "../../lib/cli/progress_line.ts";
import { lineStyle, ProgressDisplay } from "../../lib/cli/progress_display.ts";
import {
  type MeterReading,
  TransferMeter,
} from "../../lib/cli/transfer_meter.ts";
import { textWidth } from "../../lib/cli/width.ts";
import type { Output } from "../../lib/cli/environment.ts";
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
  filePercent: 34,
  standstill: 0,
};

Deno.test("progressLines() fit into 20, 40, 80 and 200 columns", () => {
  const cases: Record<number, string[]> = {
    20: [" 46%", "…/IMG_0001.jpg  34%"],
    40: [
      " 46%  1.20 GiB of 2.60 GiB  312 MiB/s",
      "      …2026/日本の写真/IMG_0001.jpg  34%",
    ],
    80: [
      " 46%  [=====>         ]  1.20 GiB of 2.60 GiB  312 MiB/s  0:05 left  file 2 of 3",
      "      photos/2026/日本の写真/IMG_0001.jpg  34%",
    ],
    200: [
      " 46%  [================>                     ]  1.20 GiB of 2.60 GiB  312 MiB/s  0:05 left  file 2 of 3",
      "      photos/2026/日本の写真/IMG_0001.jpg  34%",
    ],
  };
  for (const [columns, lines] of Object.entries(cases)) {
    assertEquals(progressLines({ reading: READING }, Number(columns)), lines);
  }
  const names = [
    READING.name,
    "e\u0301".repeat(60),
    "👩‍👩‍👧‍👦".repeat(20),
    "a\x1b[2J".repeat(20),
  ];
  for (const name of names) {
    for (const filesTotal of [1, 3]) {
      for (let columns = 10; columns < 240; columns++) {
        const reading = { ...READING, name, filesTotal, streams: 4 };
        for (const retryIn of [undefined, 3000]) {
          for (const line of progressLines({ reading, retryIn }, columns)) {
            const width = textWidth(line);
            assertEquals(width <= columns, true, `${width} of ${columns}`);
          }
        }
      }
    }
  }
});

Deno.test("progressLines() need one line for one file, and count others", () => {
  const one = { ...READING, filesTotal: 1, streams: 4 };
  assertEquals(progressLines({ reading: one }, 100), [
    " 46%  [=========>             ]  1.20 GiB of 2.60 GiB  312 MiB/s  0:05 left  4 streams  …MG_0001.jpg",
  ]);
  const many = { ...READING, active: 12, filePercent: undefined };
  assertEquals(
    progressLines({ reading: many }, 60)[1],
    "      photos/2026/日本の写真/IMG_0001.jpg  and 11 more",
  );
});

Deno.test("progressLines() show pauses and retries in place of a pace", () => {
  const still = { ...READING, filesTotal: 1, standstill: 7400, name: "" };
  const cases: ReadonlyArray<readonly [number | undefined, string]> = [
    [undefined, "no data for 7.4 s"],
    [2300, "trying again in 3 s"],
    [0, "connecting again"],
  ];
  for (const [retryIn, words] of cases) {
    const [line] = progressLines({ reading: still, retryIn }, 60);
    assertEquals(line, ` 46%  1.20 GiB of 2.60 GiB  ${words}`);
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
  assertEquals(
    progressLine({ reading: unknown }, 80),
    "1.20 GiB  a\\u{1b}[2J",
  );
  assertEquals(
    progressLine({ reading: { ...READING, remaining: undefined } }, 52),
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
  assertEquals(Math.round(steady.remaining ?? 0), 21);
  for (let second = 0; second < 12; second++) {
    await clock.advance(500);
    meter.read();
  }
  const stalled = meter.read();
  assertEquals([stalled.rate, stalled.remaining], [0, undefined]);
});

Deno.test("TransferMeter promises nothing at first, and nothing wild", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [100_000]);
  meter.begin("a");
  for (let tenth = 1; tenth < 20; tenth++) {
    await clock.advance(100);
    meter.advance(tenth * 100, 100_000);
    assertEquals(meter.read().remaining, undefined, `after ${tenth} tenths`);
  }
  await clock.advance(100);
  meter.advance(2000, 100_000);
  assertEquals(Math.round(meter.read().remaining ?? 0), 98);
  // A pause does not make days of seconds, nor hours.
  let last = 98;
  for (let tenth = 0; tenth < 45; tenth++) {
    await clock.advance(100);
    last = meter.read().remaining ?? last;
    assertEquals(last < 400, true, `${last} s`);
  }
  // What was seen in two seconds is no reason to speak of weeks.
  const slow = new TransferMeter(clock, [1e9]);
  slow.begin("a");
  await clock.advance(2500);
  slow.advance(1000, 1e9);
  assertEquals(slow.read().remaining, undefined);
});

Deno.test("TransferMeter leaves out the time in which somebody thinks", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [100]);
  meter.begin("a");
  await clock.advance(60_000);
  meter.leaveOut(60_000);
  await clock.advance(1000);
  meter.advance(50, 100);
  assertEquals([meter.elapsed, meter.read().rate], [1000, 50]);
});

Deno.test("TransferMeter makes no promise beyond a hundred hours", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [1e12]);
  meter.begin("a");
  await clock.advance(1000);
  meter.advance(1, 1e12);
  assertEquals(meter.read().remaining, undefined);
});

/** A terminal of some columns that breaks long lines, and what stands on it. */
class Screen implements Output {
  readonly isTerminal = true;
  readonly writes: string[] = [];
  width = 80;

  columns(): number {
    return this.width;
  }

  write(content: string | Uint8Array): Promise<void> {
    this.writes.push(String(content));
    return Promise.resolve();
  }
}

Deno.test("lineStyle() shows each reading with one write that empties no line before it is filled", async () => {
  const screen = new Screen();
  const style = lineStyle(screen);
  await style.show({ reading: READING });
  await style.show({ reading: READING });
  await style.say("said\n");
  await style.clear();
  await style.clear();
  const [first = "", second = "", said = "", cleared] = screen.writes;
  assertEquals(screen.writes.length, 4);
  assertEquals(first.startsWith(" 46%"), true);
  // Two lines: one up, then each is written over and its end erased.
  assertEquals(second, `\x1b[1A\r${first}`);
  const erased = "\x1b[1A\r\x1b[2K\n\x1b[2K\x1b[1A\r";
  assertEquals(said, `${erased}said\n${first}`);
  assertEquals(cleared, erased);
});

Deno.test("lineStyle() finds its way back where a narrower window has broken its lines", async () => {
  const screen = new Screen();
  const style = lineStyle(screen);
  await style.show({ reading: READING });
  const widths = progressLines({ reading: READING }, 79).map(textWidth);
  screen.width = 30;
  await style.show({ reading: READING });
  const rows = widths.reduce((sum, width) => sum + Math.ceil(width / 30), 0);
  assertEquals(rows, 5);
  assertEquals(screen.writes[1]?.startsWith("\x1b[4A\r\x1b[2K\n"), true);
});

Deno.test("ProgressDisplay tells that a lost connection is tried again, until bytes come", async () => {
  const clock = new StillClock();
  const meter = new TransferMeter(clock, [100]);
  meter.begin("a");
  const waits: Array<number | undefined> = [];
  const nothing = () => Promise.resolve();
  const display = new ProgressDisplay(clock, meter, {
    interval: 100,
    show: ({ retryIn }) => {
      waits.push(retryIn);
      return Promise.resolve();
    },
    say: nothing,
    clear: nothing,
  });
  await clock.advance(100);
  display.retry(150);
  await clock.advance(200);
  meter.advance(1, 100);
  await clock.advance(100);
  const { promise, resolve } = Promise.withResolvers<string>();
  const answer = display.aside(() => promise);
  await clock.advance(500);
  resolve("yes");
  assertEquals(await answer, "yes");
  await clock.advance(100);
  await display.stop();
  // While somebody is asked, nothing is shown.
  assertEquals(waits, [undefined, 50, 0, undefined, undefined]);
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
    say: () => Promise.resolve(),
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
