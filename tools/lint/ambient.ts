/**
 * Rules against what a file takes from its surroundings instead of being given
 * it: `ferry/pure-protocol`, `ferry/no-ambient` and `ferry/no-console`. What
 * arrives through a port can be replaced in a test, so that time, chance, the
 * network and the disk behave the same in every run of the simulation.
 *
 * @module
 */
import { isAdapter, isProduct, placeOf, repositoryPath } from "./place.ts";
import { type Identifier, isReference, isTypeUse, memberOf } from "./syntax.ts";

/** A global name that may not be used, or of which some members may not. */
interface AmbientName {
  /** What to do instead. */
  readonly instead: string;
  /** The members that may not be used; without this, the name may not be. */
  readonly members?: readonly string[];
}

type AmbientNames = Readonly<Record<string, AmbientName>>;

const USE_CLOCK = "Take a Clock of lib/platform as an option and use that";
const USE_RANDOM = "Take a Random of lib/platform as an option and use that";
const USE_ADAPTER =
  "Put it into an adapter (a file deno_*.ts; in lib/transport also tcp_*.ts and tls_*.ts) and use that through an interface";
const LEAVE_TO_CALLER =
  "lib/protocol turns bytes and events into values and back: let the caller do this, and pass in what comes of it";
const KEEP_SYNCHRONOUS =
  "lib/protocol is synchronous: return a value, and let the caller do the waiting";

const MATH: AmbientName = { instead: USE_RANDOM, members: ["random"] };

/** Names that are ambient in every room but `lib/platform`. */
const NOT_AMBIENT_ANYWHERE: AmbientNames = {
  AbortSignal: { instead: USE_CLOCK, members: ["timeout"] },
  Date: { instead: USE_CLOCK, members: ["now"] },
  Deno: { instead: USE_ADAPTER },
  Math: MATH,
  crypto: {
    instead: USE_RANDOM,
    members: ["getRandomValues", "randomUUID"],
  },
  fetch: { instead: USE_ADAPTER },
  globalThis: { instead: USE_ADAPTER },
  performance: { instead: USE_CLOCK },
  process: { instead: USE_ADAPTER },
  setImmediate: { instead: USE_CLOCK },
  setInterval: { instead: USE_CLOCK },
  setTimeout: { instead: USE_CLOCK },
};

/** Names that have no place in `lib/protocol`, not even as types. */
const NOT_IN_PROTOCOL: AmbientNames = {
  ...Object.fromEntries(
    Object.keys(NOT_AMBIENT_ANYWHERE).map((name) => [
      name,
      { instead: LEAVE_TO_CALLER },
    ]),
  ),
  AsyncGenerator: { instead: KEEP_SYNCHRONOUS },
  AsyncIterable: { instead: KEEP_SYNCHRONOUS },
  AsyncIterator: { instead: KEEP_SYNCHRONOUS },
  Math: { ...MATH, instead: LEAVE_TO_CALLER },
  Promise: { instead: KEEP_SYNCHRONOUS },
  PromiseLike: { instead: KEEP_SYNCHRONOUS },
  queueMicrotask: { instead: KEEP_SYNCHRONOUS },
};

const CONSOLE: AmbientNames = {
  console: {
    instead:
      "Write to the stream that the caller gave, or log to the logger that it gave",
  },
};

/** Built-in modules that touch nothing outside of the process. */
const PURE_MODULES = /^node:(assert|buffer|crypto|path|url|util|zlib)(\/|$)/;

/** Packages that read and write files by themselves. */
const AMBIENT_PACKAGES = /^@std\/fs(\/|$)/;

/** What `lib/protocol` may take from built-in modules: functions of bytes. */
const PURE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  "node:crypto": ["createHash", "createHmac", "hash", "timingSafeEqual"],
  "node:zlib": ["crc32"],
};

/** Lets nothing into `lib/protocol` but functions from values to values. */
export const pureProtocol: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    const place = placeOf(repositoryPath(context.filename));
    if (place.kind !== "room" || place.room !== "protocol") return {};

    function refuseAsync(node: Deno.lint.Node, what: string): void {
      const message = `lib/protocol may not use ${what}`;
      context.report({ node, message, hint: KEEP_SYNCHRONOUS });
    }

    function judgeFunction(node: FunctionNode): void {
      if (node.async) refuseAsync(node, "an async function");
    }

    return {
      Identifier: (node) => reportAmbient(context, node, NOT_IN_PROTOCOL),
      FunctionDeclaration: judgeFunction,
      FunctionExpression: judgeFunction,
      ArrowFunctionExpression: judgeFunction,
      AwaitExpression: (node) => refuseAsync(node, "await"),
      ImportExpression: (node) => refuseAsync(node, "import()"),
      ForOfStatement(node): void {
        if (node.await) refuseAsync(node, "for await");
      },
      ImportDeclaration(node): void {
        const pure = PURE_IMPORTS[node.source.value];
        if (pure === undefined || node.importKind === "type") return;
        for (const specifier of node.specifiers) {
          const name = importedName(specifier);
          if (isTypeImport(specifier)) continue;
          if (name !== undefined && pure.includes(name)) continue;
          context.report({
            node: specifier,
            message: `lib/protocol may import only ${
              pure.join(", ")
            } from ${node.source.value}`,
            hint: LEAVE_TO_CALLER,
          });
        }
      },
    };
  },
};

type FunctionNode = Extract<
  Deno.lint.Node,
  {
    type:
      | "FunctionDeclaration"
      | "FunctionExpression"
      | "ArrowFunctionExpression";
  }
>;

/** The rooms that are run in simulated time over a simulated network and disk. */
const SIMULATED_ROOMS = ["client", "server", "storage", "transport"];

/** Lets time, chance, network and disk into a simulated room by ports only. */
export const noAmbient: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    const place = placeOf(repositoryPath(context.filename));
    if (place.kind !== "room" || isAdapter(place)) return {};
    if (!SIMULATED_ROOMS.includes(place.room)) return {};
    return {
      Identifier: (node) => reportAmbient(context, node, NOT_AMBIENT_ANYWHERE),
      ImportDeclaration(node): void {
        const module = node.source.value;
        if (node.importKind === "type") return;
        if (isAmbientModule(module)) {
          context.report({
            node: node.source,
            message: `"${module}" reaches outside of the process`,
            hint: USE_ADAPTER,
          });
        }
        for (const specifier of node.specifiers) {
          if (module !== "node:crypto" || !isRandomImport(specifier)) continue;
          context.report({
            node: specifier,
            message: "This function's results cannot be repeated",
            hint: USE_RANDOM,
          });
        }
      },
    };
  },
};

/** Keeps `console` out of the library and the programs. */
export const noConsole: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    if (!isProduct(placeOf(repositoryPath(context.filename)))) return {};
    return { Identifier: (node) => reportAmbient(context, node, CONSOLE) };
  },
};

function isAmbientModule(module: string): boolean {
  if (module.startsWith("node:")) return !PURE_MODULES.test(module);
  return AMBIENT_PACKAGES.test(module);
}

type ImportClause = Deno.lint.ImportDeclaration["specifiers"][number];

function isRandomImport(specifier: ImportClause): boolean {
  const name = importedName(specifier);
  return name !== undefined &&
    /^(random|generate|webcrypto$|getRandomValues$)/.test(name);
}

function isTypeImport(specifier: ImportClause): boolean {
  return specifier.type === "ImportSpecifier" &&
    specifier.importKind === "type";
}

/** The name that an import clause takes; `undefined` if it takes everything. */
function importedName(specifier: ImportClause): string | undefined {
  if (specifier.type !== "ImportSpecifier") return undefined;
  const { imported } = specifier;
  return imported.type === "Identifier" ? imported.name : imported.value;
}

/** Reports a name if `names` has it and it is used as `names` forbids. */
function reportAmbient(
  context: Deno.lint.RuleContext,
  node: Identifier,
  names: AmbientNames,
): void {
  if (!Object.hasOwn(names, node.name) || !isReference(node)) return;
  const ambient = names[node.name];
  if (ambient === undefined) return;
  const use = ambient.members === undefined
    ? node.name
    : ambientUse(node, ambient.members);
  if (use === undefined) return;
  context.report({
    node,
    message: `"${use}" comes from the surroundings`,
    hint: ambient.instead,
  });
}

/** What is used of a name of which only some members are ambient. */
function ambientUse(
  node: Identifier,
  members: readonly string[],
): string | undefined {
  const member = memberOf(node);
  if (member !== undefined) {
    return members.includes(member) ? `${node.name}.${member}` : undefined;
  }
  if (isTypeUse(node)) return undefined;
  // `new Date()` asks for the time, `new Date(0)` does not.
  const { parent } = node;
  if (parent.type === "NewExpression" && parent.arguments.length > 0) {
    return undefined;
  }
  return parent.type === "NewExpression" ? `new ${node.name}()` : node.name;
}
