import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  escapeName,
  escapeText,
  jsonLine,
  quoteName,
} from "../../lib/cli/escape.ts";
import {
  formatCount,
  formatCountdown,
  formatDuration,
  formatExactSize,
  formatMode,
  formatRate,
  formatSize,
  formatTime,
  isoTime,
} from "../../lib/cli/format.ts";
import { nearest } from "../../lib/cli/nearest.ts";
import { stackOf } from "../../lib/cli/stack.ts";
import { textWidth, truncateStart } from "../../lib/cli/width.ts";

const ESCAPES: ReadonlyArray<readonly [string, string]> = [
  ["plain name.txt", "plain name.txt"],
  ["", ""],
  ["naïve 日本 ❤️ 👍🏽 👨‍👩‍👧 🇨🇭 1️⃣", "naïve 日本 ❤️ 👍🏽 👨‍👩‍👧 🇨🇭 1️⃣"],
  ["a\\b", "a\\\\b"],
  ["a\nb\rc\td", "a\\nb\\rc\\td"],
  ["\x00\x07\x1b[31m\x7f", "\\u{00}\\u{07}\\u{1b}[31m\\u{7f}"],
  ["\x85\x9b31m", "\\u{85}\\u{9b}31m"],
  ["\u2028\u2029", "\\u{2028}\\u{2029}"],
  ["\u202ecod.exe\u202c", "\\u{202e}cod.exe\\u{202c}"],
  [
    "\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "\\u{2066}\\u{2067}\\u{2068}\\u{2069}\\u{200e}\\u{200f}\\u{61c}",
  ],
  [
    "\ufeffa\u200bb\u200cc\u200dd\u2060e\u00adf",
    "\\u{feff}a\\u{200b}b\\u{200c}c\\u{200d}d\\u{2060}e\\u{ad}f",
  ],
  ["\ud800x\udc00", "\\u{d800}x\\u{dc00}"],
  ["\u{e0041}\u3164", "\\u{e0041}\\u{3164}"],
  ["a\ufe0f", "a\\u{fe0f}"],
];

Deno.test("escapeName() leaves nothing that a terminal obeys or hides", async (t) => {
  for (const [name, shown] of ESCAPES) {
    await t.step(JSON.stringify(name), () => {
      assertEquals(escapeName(name), shown);
      assertEquals(JSON.parse(jsonLine({ name })).name, name);
      const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;
      assert(!unsafe.test(jsonLine(name).trimEnd()));
    });
  }
});

Deno.test("quoteName() marks its quotes, escapeText() leaves backslashes", () => {
  assertEquals(quoteName('say "hi"\n'), '"say \\"hi\\"\\n"');
  assertEquals(escapeText("a\\b\x1b"), "a\\b\\u{1b}");
});

const SIZES: ReadonlyArray<readonly [number, string]> = [
  [0, "0 B"],
  [1, "1 B"],
  [1023, "1023 B"],
  [1024, "1.00 KiB"],
  [1536, "1.50 KiB"],
  [10_234, "9.99 KiB"],
  [10_239, "10.0 KiB"],
  [102_300, "99.9 KiB"],
  [1_023_488, "0.98 MiB"],
  [1_048_575, "1.00 MiB"],
  [12_897_485, "12.3 MiB"],
  [5 * 2 ** 30, "5.00 GiB"],
  [999 * 2 ** 40, "999 TiB"],
  [2 ** 53, "8.00 PiB"],
];

Deno.test("formatSize() shows three digits and IEC units", () => {
  for (const [bytes, shown] of SIZES) assertEquals(formatSize(bytes), shown);
  assertEquals(formatRate(31_457_280), "30.0 MiB/s");
  assertEquals(formatExactSize(1), "1 byte");
  assertEquals(formatExactSize(6), "6 bytes");
  assertEquals(formatExactSize(2048), "2.00 KiB (2048 bytes)");
});

const DURATIONS: ReadonlyArray<readonly [number, string]> = [
  [0, "<0.01 s"],
  [40, "0.04 s"],
  [994, "0.99 s"],
  [996, "1.0 s"],
  [9940, "9.9 s"],
  [9960, "10 s"],
  [59_400, "59 s"],
  [59_600, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [3_600_000, "1 h 00 min"],
  [360_000_000, "100 h 00 min"],
];

Deno.test("formatDuration() is as exact as it is interesting", () => {
  for (const [time, shown] of DURATIONS) {
    assertEquals(formatDuration(time), shown);
  }
  assertEquals(formatCountdown(6.2), "0:07");
  assertEquals(formatCountdown(754), "12:34");
  assertEquals(formatCountdown(3723), "1:02:03");
});

Deno.test("formatTime() shows local time, isoTime() UTC, both know of not knowing", () => {
  const time = new Date(2026, 7, 18, 9, 5, 7).getTime();
  assertEquals(formatTime(time), "2026-08-18 09:05:07");
  assertEquals(formatTime(undefined), "-");
  assertEquals(formatTime(9e15), "-");
  assertEquals(isoTime(0), "1970-01-01T00:00:00.000Z");
  assertEquals(isoTime(undefined), null);
});

Deno.test("formatMode() shows kind and bits", () => {
  assertEquals(formatMode("directory", 0o755), "drwxr-xr-x");
  assertEquals(formatMode("link", 0o777), "lrwxrwxrwx");
  assertEquals(formatMode("file", 0), "-?????????");
  assertEquals(formatMode("other", 0o400), "?r--------");
});

Deno.test("formatCount() counts in English", () => {
  assertEquals(formatCount(1, "entry"), "1 entry");
  assertEquals(formatCount(2, "entry"), "2 entries");
  assertEquals(formatCount(0, "file"), "0 files");
});

Deno.test("nearest() guesses what was meant, or nothing", () => {
  const words = ["--recursive", "--json", "--on-conflict", "-l", "-R"];
  assertEquals(nearest("--recrusive", words), "--recursive");
  assertEquals(nearest("--on-conflcit", words), "--on-conflict");
  assertEquals(nearest("--JSON", words), "--json");
  assertEquals(nearest("--on", words), "--on-conflict");
  assertEquals(nearest("-r", words), "-R");
  assertEquals(nearest("-x", words), undefined);
  assertEquals(nearest("--zzzzzz", words), undefined);
});

const WIDTHS: ReadonlyArray<readonly [string, number]> = [
  ["abc", 3],
  ["日本語", 6],
  ["한글", 4],
  ["é", 1],
  ["e\u0301", 1],
  ["👨‍👩‍👧", 2],
  ["❤️", 2],
  ["🇨🇭", 2],
  ["ﬀ…", 2],
  ["", 0],
];

Deno.test("textWidth() counts columns, not characters", () => {
  for (const [text, width] of WIDTHS) {
    assertEquals(textWidth(text), width, text);
  }
});

Deno.test("truncateStart() keeps the end, and never more than fits", () => {
  assertEquals(truncateStart("docs/manual.pdf", 8), "…ual.pdf");
  assertEquals(truncateStart("日本語.txt", 8), "…語.txt");
  assertEquals(truncateStart("short", 10), "short");
  assertEquals(truncateStart("long", 0), "");
});

Deno.test("stackOf() tells causes, and nothing to the terminal", () => {
  const error = new Error("outer\x1b", { cause: new TypeError("inner") });
  const stack = stackOf(error);
  assertMatch(stack, /^Error: outer\\u\{1b\}\n/);
  assertMatch(stack, /\nCaused by: TypeError: inner\n/);
  assertEquals(stackOf("text"), "text\n");
});
