/**
 * Rules on what one reader can hold in mind: `ferry/function-length`,
 * `ferry/file-length` and, for those who know better, `ferry/ignore-reason`.
 *
 * @module
 */
import { isProduct, placeOf, repositoryPath } from "./place.ts";

const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 500;

/** Keeps functions short. */
export const functionLength: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    if (!isMeasured(context)) return {};

    function judge(node: Deno.lint.Node): void {
      const [start, end] = node.range;
      const lines = countLines(context.sourceCode.text.slice(start, end));
      if (lines <= FUNCTION_LINES_MAX) return;
      context.report({
        range: firstLine(context.sourceCode.text, node.range),
        message:
          `This function has ${lines} lines, of ${FUNCTION_LINES_MAX} at most`,
        hint: "Split it into functions that each do one thing",
      });
    }

    return {
      FunctionDeclaration: judge,
      FunctionExpression: judge,
      ArrowFunctionExpression: judge,
    };
  },
};

/** Keeps files short. */
export const fileLength: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    if (!isMeasured(context)) return {};
    return {
      Program(node): void {
        const { text } = context.sourceCode;
        const lines = countLines(text.replace(/\n$/, ""));
        if (lines <= FILE_LINES_MAX) return;
        context.report({
          range: firstLine(text, node.range),
          message: `This file has ${lines} lines, of ${FILE_LINES_MAX} at most`,
          hint:
            "Split it by what changes together. If it is generated or a table, begin it with: // deno-lint-ignore-file ferry/file-length -- the reason",
        });
      },
    };
  },
};

/** Lets nobody switch off a rule without saying why. */
export const ignoreReason: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    if (!isMeasured(context)) return {};
    return {
      Program(): void {
        for (const comment of context.sourceCode.getAllComments()) {
          const text = comment.value.trim();
          if (!text.startsWith("deno-lint-ignore")) continue;
          if (/\s--\s+\S/.test(text)) continue;
          context.report({
            range: comment.range,
            message: "A rule is ignored without a reason",
            hint: "Add the reason to the comment: -- because …",
          });
        }
      },
    };
  },
};

/** Tests may be as long as their tables are. */
function isMeasured(context: Deno.lint.RuleContext): boolean {
  const place = placeOf(repositoryPath(context.filename));
  return isProduct(place) ||
    place.kind === "script" && place.folder === "tools";
}

function countLines(text: string): number {
  return text.split("\n").length;
}

/** The part of a range that is worth underlining. */
function firstLine(
  text: string,
  [start, end]: Deno.lint.Range,
): Deno.lint.Range {
  const newline = text.indexOf("\n", start);
  return [start, newline === -1 ? end : Math.min(end, newline)];
}
