/**
 * Numbers as people read them: sizes, rates, durations, times and modes.
 *
 * @module
 */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/**
 * A size in IEC units with three significant digits; below 1 KiB, exact.
 * (`@std/fmt/bytes` writes `kiB`, and 1023 bytes as `1020 B`.)
 *
 * @param bytes How many; not negative.
 */
export function formatSize(bytes: number): string {
  let value = Math.round(bytes);
  if (value < 1024) return `${value} B`;
  let unit = 0;
  // From 999.5 on, three digits would have to round to a thousand.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/**
 * A size for people who may want every digit: `1.50 KiB (1536 bytes)`.
 *
 * @param bytes How many; not negative.
 */
export function formatExactSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  return `${formatSize(bytes)} (${bytes} bytes)`;
}

/**
 * A rate, such as `30.8 MiB/s`.
 *
 * @param bytesPerSecond How many; not negative.
 */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/**
 * A duration, as exact as it is interesting: `<0.01 s`, `0.04 s`, `12 s`, `3 min 05 s`.
 *
 * @param milliseconds How long; not negative.
 */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.01) return "<0.01 s";
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), twoDigits(whole % 60)];
  if (minutes < 60) return `${minutes} min ${rest} s`;
  const hours = Math.floor(minutes / 60);
  return `${hours} h ${twoDigits(minutes % 60)} min`;
}

/**
 * How long ago something was, as exact as it is interesting: `5 min`, `3 h`, `12 d`.
 *
 * @param milliseconds How long; `undefined` where nobody knows.
 */
export function formatAge(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "?";
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return "<1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/**
 * A remaining time, short and of steady width: `0:07`, `12:34`, `1:02:03`.
 *
 * @param seconds How long; not negative.
 */
export function formatCountdown(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), twoDigits(whole % 60)];
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${rest}`;
}

/**
 * A moment in the reader's own time zone: `2026-08-18 09:05:07`.
 *
 * @param milliseconds Since 1970; `undefined` where nobody knows.
 */
export function formatTime(milliseconds: number | undefined): string {
  const date = new Date(milliseconds ?? NaN);
  if (Number.isNaN(date.getTime())) return "-";
  const day = [date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const year = String(date.getFullYear()).padStart(4, "0");
  return `${year}-${day} ${time.map(twoDigits).join(":")}`;
}

/**
 * A moment for programs, in UTC: `2026-08-18T07:05:07.000Z`.
 *
 * @param milliseconds Since 1970; `undefined` where nobody knows.
 */
export function isoTime(milliseconds: number | undefined): string | null {
  const date = new Date(milliseconds ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

const KIND_LETTERS: Readonly<Record<string, string>> = {
  file: "-",
  directory: "d",
  link: "l",
  other: "?",
};

/**
 * Kind and permission bits as `ls -l` shows them: `drwxr-xr-x`; question marks
 * where the server does not tell the bits.
 *
 * @param kind What the entry is.
 * @param mode Its permission bits.
 */
export function formatMode(kind: string, mode: number): string {
  const letter = KIND_LETTERS[kind] ?? "?";
  if (mode === 0) return letter + "?".repeat(9);
  const bits = [..."rwxrwxrwx"].map((name, index) =>
    (mode & (0o400 >> index)) === 0 ? "-" : name
  );
  return letter + bits.join("");
}

/**
 * A number and its noun: `1 file`, `3 files`.
 *
 * @param count How many.
 * @param noun In the singular.
 */
export function formatCount(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.endsWith("y") ? `${noun.slice(0, -1)}ie` : noun}s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
