/**
 * How many columns of a terminal a text takes.
 *
 * @module
 */

let segmenter: Intl.Segmenter | undefined;

/** Made at first use: it takes a while, and most names are plain. */
function loadSegmenter(): Intl.Segmenter {
  return segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
}

/**
 * First and last code points of what East Asian Width (Unicode 16) calls wide
 * or full-width, without the emoji, which have a property of their own.
 */
const WIDE_RANGES: ReadonlyArray<readonly [number, number]> = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0xa4c6],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18df2],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d376],
  [0x20000, 0x3fffd],
];

const ASCII_PATTERN = /^[\x20-\x7e]*$/;
const EMOJI_PATTERN = /\p{Emoji_Presentation}|\u{fe0f}/u;
const COMBINING_PATTERN = /^[\p{Mn}\p{Me}]+$/u;

function graphemeWidth(grapheme: string): number {
  if (COMBINING_PATTERN.test(grapheme)) return 0;
  if (EMOJI_PATTERN.test(grapheme)) return 2;
  const code = grapheme.codePointAt(0) ?? 0;
  return WIDE_RANGES.some(([first, last]) => code >= first && code <= last)
    ? 2
    : 1;
}

/**
 * Columns that a text takes; it must hold no control characters.
 *
 * @param text Text that went through `escape.ts`.
 */
export function textWidth(text: string): number {
  if (ASCII_PATTERN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of loadSegmenter().segment(text)) {
    width += graphemeWidth(segment);
  }
  return width;
}

/**
 * Shortens a text to at most `columns`, keeping its end: of a path, that is the
 * part that tells files apart.
 *
 * @param text Text that went through `escape.ts`.
 * @param columns Columns that there are.
 */
export function truncateStart(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  if (columns < 1) return "";
  const graphemes = [...loadSegmenter().segment(text)].map(({ segment }) =>
    segment
  );
  let kept = "";
  let width = 1;
  for (const grapheme of graphemes.reverse()) {
    width += graphemeWidth(grapheme);
    if (width > columns) break;
    kept = grapheme + kept;
  }
  return `…${kept}`;
}
