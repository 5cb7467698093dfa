/**
 * Text for man pages, in the macros of man(7).
 *
 * @module
 */

/** Text as troff takes it: nothing in it is a request or an escape. */
export function roffText(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("~", "\\(ti").replaceAll("^", "\\(ha")
    .replace(/^\./gm, "\\&.");
}

/** A word in quotes for the argument of a macro. */
function argument(text: string): string {
  return `"${roffText(text).replaceAll('"', "\\(dq")}"`;
}

/** The head of a page. */
export function roffHead(
  page: {
    readonly name: string;
    readonly section: number;
    readonly title: string;
  },
): string {
  const { name, section, title } = page;
  return [
    `.TH ${argument(name.toUpperCase())} ${section} "" "Ferry" "Ferry manual"`,
    ".nh",
    ".ad l",
    roffSection("Name"),
    `${roffText(name)} \\- ${roffText(title)}`,
    "",
  ].join("\n");
}

/** The heading of a section. */
export function roffSection(title: string): string {
  return `.SH ${argument(title.toUpperCase())}`;
}

/** The heading of a part of a section. */
export function roffPart(title: string): string {
  return `.SS ${argument(title)}`;
}

/** A paragraph. */
export function roffParagraph(text: string): string {
  return `.PP\n${roffText(text)}`;
}

/** A term and what it means. */
export function roffTerm(term: string, text: string): string {
  return `.TP\n.B ${argument(term)}\n${roffText(text)}`;
}

/** Lines as they are. */
export function roffExample(lines: readonly string[]): string {
  return [".PP", ".nf", ".RS 4", ...lines.map(roffText), ".RE", ".fi"]
    .join("\n");
}
