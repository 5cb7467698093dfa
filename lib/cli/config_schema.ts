/**
 * The JSON schema of the configuration file, for editors and for people: made
 * of the same tables that read it.
 *
 * @module
 */

import { SERVER_LIMIT_TABLE } from "../server/mod.ts";
import {
  LIMITS_KEY,
  ROOT_KEY,
  SCHEMA_KEY,
  settingName,
} from "./config_file.ts";
import type { AnyOption } from "./option.ts";

/** A JSON schema, as far as this file makes any. */
export type JsonSchema = Readonly<Record<string, unknown>>;

function optionSchema(option: AnyOption): JsonSchema {
  const { help: description, isNumber, isRepeated, placeholder, words } =
    option;
  if (placeholder === undefined) return { description, type: "boolean" };
  if (isRepeated) {
    return { description, type: "array", items: { type: "string" } };
  }
  if (words !== undefined) return { description, enum: words };
  return { description, type: isNumber ? ["number", "string"] : "string" };
}

function limitsSchema(): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries(SERVER_LIMIT_TABLE).map((
      [name, { value, unit, reason }],
    ) => [
      name,
      {
        description: `In ${unit}. ${reason}`,
        type: "integer",
        minimum: 0,
        ...Number.isFinite(value) ? { default: value } : {},
      },
    ]),
  );
  return {
    description: "Limits and waits that have no option of their own.",
    type: "object",
    additionalProperties: false,
    properties,
  };
}

/**
 * The schema of a configuration file.
 *
 * @param options The options that are settings.
 */
export function configSchema(options: readonly AnyOption[]): JsonSchema {
  const settings = options.map((option) =>
    [settingName(option), optionSchema(option)] as const
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of ferryd",
    description:
      "JSON with comments. Every option of the command line is a setting here; what the command line says wins.",
    type: "object",
    additionalProperties: false,
    properties: {
      [SCHEMA_KEY]: { description: "Where this schema is.", type: "string" },
      [ROOT_KEY]: {
        description: "The directory to serve (default: the current one).",
        type: "string",
      },
      ...Object.fromEntries(settings),
      [LIMITS_KEY]: limitsSchema(),
    },
  };
}
