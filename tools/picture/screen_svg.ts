/**
 * The screen of a terminal as a picture in SVG.
 *
 * @module
 */

/** How characters look. */
interface Style {
  readonly colour: string | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

/** Characters that look the same. */
interface Run {
  readonly text: string;
  readonly style: Style;
}

const PLAIN: Style = { colour: undefined, isBold: false, isDim: false };

/** The eight colours of a terminal; the bright ones are shown as these. */
const COLOURS: readonly string[] = [
  "#6e7681",
  "#ff7b72",
  "#7ee787",
  "#e3b341",
  "#79c0ff",
  "#d2a8ff",
  "#76e3ea",
  "#f0f6fc",
];

const CELL_WIDTH = 8.4;
const ROW_HEIGHT = 19;
const FONT_SIZE = 14;
const MARGIN = 16;

// deno-lint-ignore no-control-regex -- what terminals are told begins with ESC
const SGR_PATTERN = /\x1b\[([\d;]*)m/;

/** What one number of a "select graphic rendition" makes of a style. */
function restyled(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, isBold: true };
  if (code === 2) return { ...style, isDim: true };
  if (code === 22) return { ...style, isBold: false, isDim: false };
  if (code === 39) return { ...style, colour: undefined };
  const colour = code >= 90 ? code - 90 : code - 30;
  return COLOURS[colour] === undefined
    ? style
    : { ...style, colour: COLOURS[colour] };
}

/** Parts a row with escape sequences into runs. */
function runsOf(row: string, before: Style): readonly [Run[], Style] {
  const runs: Run[] = [];
  let style = before;
  for (const [at, part] of row.split(SGR_PATTERN).entries()) {
    if (at % 2 === 1) {
      for (const code of part.split(";")) style = restyled(style, Number(code));
    } else if (part !== "") runs.push({ text: part, style });
  }
  return [runs, style];
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function attributes({ colour, isBold, isDim }: Style): string {
  return (colour === undefined ? "" : ` fill="${colour}"`) +
    (isBold ? ' font-weight="bold"' : "") +
    (isDim ? ' opacity="0.7"' : "");
}

/** One row; each run stands where its cells are, whatever font is there. */
function rowSvg(runs: readonly Run[], row: number): string {
  const y = MARGIN + (row + 1) * ROW_HEIGHT - 5;
  let column = 0;
  let svg = "";
  for (const { text, style } of runs) {
    const x = MARGIN + column * CELL_WIDTH;
    const width = text.length * CELL_WIDTH;
    column += text.length;
    if (text.trim() === "") continue;
    svg += `<text x="${x.toFixed(1)}" y="${y}" textLength="${
      width.toFixed(1)
    }" xml:space="preserve"${attributes(style)}>${escapeXml(text)}</text>\n`;
  }
  return svg;
}

/**
 * Draws a screen.
 *
 * @param screen Its rows, with escape sequences for colours, one code unit a
 * cell.
 * @param columns Its width in characters.
 * @param title What it shows, for those who do not see it.
 */
export function screenSvg(
  screen: string,
  columns: number,
  title: string,
): string {
  const rows = screen.replace(/\n+$/, "").split("\n");
  const width = Math.ceil(2 * MARGIN + columns * CELL_WIDTH);
  const height = 2 * MARGIN + rows.length * ROW_HEIGHT;
  let style = PLAIN;
  let text = "";
  for (const [at, row] of rows.entries()) {
    const [runs, after] = runsOf(row, style);
    text += rowSvg(runs, at);
    style = after;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="#c9d1d9">
${text}</g>
</svg>
`;
}
