import { assertEquals, assertStringIncludes } from "@std/assert";
import { screenSvg } from "../../tools/picture/screen_svg.ts";

/** The texts of a picture, each with what is said of it. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)]
    .map(([, attributes, text]) => `${attributes} | ${text}`);
}

const PLACE = 'xml:space="preserve"';

Deno.test("screenSvg() puts each row where its cells are", () => {
  const svg = screenSvg("ab\n\n  c\n\n\n", 10, "t");
  assertEquals(texts(svg), [
    `x="16.0" y="30" textLength="16.8" ${PLACE} | ab`,
    `x="16.0" y="68" textLength="25.2" ${PLACE} |   c`,
  ]);
  // Three rows, ten columns, a margin around.
  assertStringIncludes(svg, 'width="116" height="89"');
});

Deno.test("screenSvg() shows colours and bold, also over the end of a row", () => {
  const svg = screenSvg("a\x1b[1;31mb\x1b[39mc\nd\x1b[0me\x1b[95mf", 10, "t");
  const bold = 'font-weight="bold"';
  const at = (x: string, y: number) =>
    `x="${x}" y="${y}" textLength="8.4" ${PLACE}`;
  assertEquals(texts(svg), [
    `${at("16.0", 30)} | a`,
    `${at("24.4", 30)} fill="#ff7b72" ${bold} | b`,
    `${at("32.8", 30)} ${bold} | c`,
    `${at("16.0", 49)} ${bold} | d`,
    `${at("24.4", 49)} | e`,
    `${at("32.8", 49)} fill="#d2a8ff" | f`,
  ]);
});

Deno.test("screenSvg() leaves nothing for XML to understand", () => {
  const svg = screenSvg('<a href="b">&', 20, "<&>");
  assertStringIncludes(svg, ">&lt;a href=&quot;b&quot;&gt;&amp;</text>");
  assertStringIncludes(svg, "<title>&lt;&amp;&gt;</title>");
});
