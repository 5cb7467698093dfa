/**
 * The rule `ferry/layers`: imports go one way. `ROOMS` is the whole picture.
 *
 * @module
 */
import { type Place, placeOf, repositoryPath } from "./place.ts";

/** What the files of one room may import besides each other. */
export interface Arrows {
  /** Other rooms, always through their `mod.ts` or `plain.ts`. */
  readonly rooms: readonly string[];
  /** Packages and built-in modules; a `*` at the end stands for any rest. */
  readonly packages: readonly string[];
}

/** The whole picture: the rooms of `lib/`, and what each may import. */
export const ROOMS: Readonly<Record<string, Arrows>> = {
  platform: { rooms: [], packages: [] },
  protocol: { rooms: [], packages: ["node:crypto", "node:zlib"] },
  storage: {
    rooms: ["platform"],
    packages: ["@std/fs", "@std/path", "node:*"],
  },
  transport: {
    rooms: ["platform", "protocol"],
    packages: [
      "node:crypto",
      "node:net",
      "node:stream",
      "node:timers",
      "node:tls",
    ],
  },
  identity: {
    rooms: ["platform", "storage"],
    packages: ["@peculiar/x509", "reflect-metadata", "node:crypto"],
  },
  accounts: {
    rooms: ["platform", "protocol", "storage"],
    packages: ["jsonc-parser", "node:crypto", "valibot"],
  },
  server: {
    rooms: [
      "platform",
      "protocol",
      "transport",
      "storage",
      "identity",
      "accounts",
    ],
    packages: ["@logtape/logtape", "node:crypto", "node:zlib"],
  },
  metrics: {
    rooms: ["platform", "transport", "server"],
    packages: ["@opentelemetry/*"],
  },
  client: {
    rooms: ["platform", "protocol", "transport", "storage", "identity"],
    packages: ["node:crypto", "node:zlib"],
  },
  classic: {
    rooms: ["platform", "transport", "storage", "server", "client"],
    packages: ["@logtape/logtape", "node:zlib"],
  },
  cli: {
    rooms: [
      "platform",
      "protocol",
      "transport",
      "storage",
      "server",
      "client",
      "classic",
      "identity",
      "accounts",
      "metrics",
    ],
    packages: [
      "@logtape/logtape",
      "@std/*",
      "@valibot/to-json-schema",
      "jsonc-parser",
      "node:process",
      "node:readline",
      "valibot",
    ],
  },
};

/**
 * What other rooms may import of a room: all that it offers, or the part of it
 * that loads at once.
 */
const DOORS: readonly string[] = ["mod.ts", "plain.ts"];

/** The configuration holds the version; these rooms may take it from there. */
const CONFIGURATION = "deno.json";
const ROOMS_READING_CONFIGURATION = ["platform", "cli"];

/** What is wrong with an import, and what to do instead. */
interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/** Imports are judged by this rule. */
export const layers: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    const path = repositoryPath(context.filename);
    const place = placeOf(path);
    if (place.kind === "script" || place.kind === "other") return {};

    function judge(node: Deno.lint.Node, specifier: unknown): void {
      const refusal = typeof specifier === "string"
        ? refuse(path, place, specifier)
        : COMPUTED_IMPORT;
      if (refusal !== undefined) context.report({ node, ...refusal });
    }

    return {
      ImportDeclaration: (node) => judge(node.source, node.source.value),
      ExportAllDeclaration: (node) => judge(node.source, node.source.value),
      ExportNamedDeclaration(node): void {
        if (node.source !== null) judge(node.source, node.source.value);
      },
      ImportExpression: (node) => judge(node.source, literalValue(node.source)),
      TSImportType(node): void {
        const { argument } = node;
        const literal = argument.type === "TSLiteralType"
          ? argument.literal
          : argument;
        judge(argument, literalValue(literal));
      },
    };
  },
};

const COMPUTED_IMPORT: Refusal = {
  message: "Cannot tell what this imports",
  hint: "Write the module's name as a plain string",
};

function literalValue(node: Deno.lint.Node): unknown {
  return node.type === "Literal" ? node.value : undefined;
}

/** Says why a file may not import a module, or `undefined` if it may. */
function refuse(
  path: string,
  from: Place,
  specifier: string,
): Refusal | undefined {
  if (specifier.startsWith("./") || specifier.startsWith("../")) {
    const url = new URL(specifier, `file:///${path}`);
    return refuseFile(from, decodeURIComponent(url.pathname.slice(1)));
  }
  if (/^(\/|file:|https?:)/.test(specifier)) {
    return {
      message: `Cannot import "${specifier}": it is outside the repository`,
      hint: "Import a package that deno.json names, or a file by relative path",
    };
  }
  return refusePackage(from, specifier);
}

function refuseFile(from: Place, path: string): Refusal | undefined {
  const to = placeOf(path);
  if (to.kind === "room" && from.kind === "room" && to.room === from.room) {
    return undefined;
  }
  if (!mayImportPlace(from, to, path)) {
    return {
      message: `${nameOf(from)} may not import ${path}`,
      hint: describeArrows(from),
    };
  }
  // Each program loads its own half of lib/cli, and no more.
  const isDoor = to.kind !== "room" || DOORS.includes(to.file);
  if (isDoor || from.kind === "main") return undefined;
  return {
    message: `${nameOf(from)} reaches inside lib/${to.room}`,
    hint:
      `Import it from lib/${to.room}/mod.ts; export it there first, if other rooms are meant to use it`,
  };
}

function mayImportPlace(from: Place, to: Place, path: string): boolean {
  if (to.kind === "script" || to.kind === "main") return false;
  switch (from.kind) {
    case "main":
      return to.kind === "room" && to.room === "cli";
    case "lib":
      return to.kind !== "other" || path === CONFIGURATION;
    case "room":
      if (to.kind === "room") {
        return ROOMS[from.room]?.rooms.includes(to.room) ?? false;
      }
      if (path === CONFIGURATION) {
        return ROOMS_READING_CONFIGURATION.includes(from.room);
      }
      // The topmost room is the only one that may look at what is above.
      return from.room === "cli" && to.kind === "lib";
    default:
      return true;
  }
}

function refusePackage(from: Place, specifier: string): Refusal | undefined {
  const allowed = from.kind === "room" ? ROOMS[from.room]?.packages ?? [] : [];
  if (allowed.some((pattern) => matchesPackage(pattern, specifier))) {
    return undefined;
  }
  return {
    message: `${nameOf(from)} may not import "${specifier}"`,
    hint: describeArrows(from),
  };
}

function matchesPackage(pattern: string, specifier: string): boolean {
  if (pattern.endsWith("*")) return specifier.startsWith(pattern.slice(0, -1));
  return specifier === pattern || specifier.startsWith(`${pattern}/`);
}

function nameOf(place: Place): string {
  switch (place.kind) {
    case "room":
      return `lib/${place.room}`;
    case "lib":
      return `lib/${place.file}`;
    case "main":
      return place.file;
    case "script":
      return `${place.folder}/`;
    case "other":
      return "This file";
  }
}

function describeArrows(from: Place): string {
  if (from.kind === "main") {
    return "A program may import lib/cli only: put the work there";
  }
  if (from.kind === "lib") {
    return "Files directly in lib/ may import the mod.ts of any room, and no packages";
  }
  if (from.kind !== "room") return "";
  const arrows = ROOMS[from.room];
  if (arrows === undefined) {
    return `lib/${from.room} is not a known room: give it its arrows in tools/lint/layers.ts`;
  }
  const allowed = [
    ...arrows.rooms.map((room) => `lib/${room}/mod.ts`),
    ...arrows.packages,
  ];
  const list = allowed.length === 0 ? "nothing else" : allowed.join(", ");
  return `Besides its own files lib/${from.room} may import ${list}. Move shared code down, or let the caller pass it in`;
}
