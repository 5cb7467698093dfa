/**
 * Plain text tables.
 *
 * @module
 */
import { textWidth } from "../lib/cli/width.ts";

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  readonly title: string;
  /** Numbers stand to the right, words to the left. @default {"left"} */
  readonly align?: "left" | "right";
}

const GAP = "  ";

/**
 * Lays a table out: titles, a line, rows.
 *
 * @param columns The columns.
 * @param rows The cells; each row has one for each column.
 * @returns Lines without spaces at their ends.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const misfit = rows.find((row) => row.length !== columns.length);
  if (misfit !== undefined) {
    throw new RangeError(
      `Cannot lay out ${misfit.length} cells in ${columns.length} columns`,
    );
  }
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...rows].map((row) => textWidth(row[index] ?? "")))
  );

  function layOut(cells: readonly string[]): string {
    return columns.map(({ align }, index) => {
      const cell = cells[index] ?? "";
      const space = " ".repeat((widths[index] ?? 0) - textWidth(cell));
      return align === "right" ? space + cell : cell + space;
    }).join(GAP).trimEnd();
  }

  const line = "-".repeat(
    widths.reduce((sum, width) => sum + width, 0) +
      GAP.length * (columns.length - 1),
  );
  return [layOut(titles), line, ...rows.map(layOut)];
}
