/**
 * The messages of cs372-login as bytes.
 *
 * @module
 */

import { parsePort, PORT_MAX } from "../ports.ts";
import {
  ascii,
  MalformedError,
  oneOf,
  type Reader,
  type Reading,
} from "../reading.ts";

/** Bytes of a message at most: what the originals receive at once. */
const MESSAGE_SIZE_MAX = 1024;

/** Bytes of a request at most: the longest path that Ferry's storage takes, and what is around it. */
const REQUEST_SIZE_MAX = 4096 + 10;

const UTF8 = new TextEncoder();

/** What ends the bytes of a data connection. */
export const END_MARK = UTF8.encode("endOfInput");

/** What the server says to user and password. */
export const LOGIN_ANSWERS = {
  MATCH: UTF8.encode("Match"),
  NO_MATCH: UTF8.encode("No match"),
} as const;

/** What it says to a request. */
export const REQUEST_ANSWERS = {
  RECOGNIZED: UTF8.encode("Command recognized"),
  UNRECOGNIZED: UTF8.encode("There is no command like that"),
} as const;

/** What it says of a file. */
export const FILE_ANSWERS = {
  FOUND: UTF8.encode("FILE CORRECT"),
  MISSING: UTF8.encode("NO FILE WITH THAT NAME"),
} as const;

/** What a client asks for after the log-in. */
export type LoginRequest =
  | { readonly command: "LIST"; readonly port: number }
  | {
    readonly command: "GET";
    readonly port: number;
    /** The file name as it came. */
    readonly name: Uint8Array;
  }
  | { readonly command: "UNKNOWN" };

/** Reads a user name or a password: any bytes. */
export const readText: Reader<string> = (bytes) => {
  if (bytes.length > MESSAGE_SIZE_MAX) {
    throw new MalformedError(
      `user name or password has more than ${MESSAGE_SIZE_MAX} bytes`,
    );
  }
  // What is not UTF-8 is nobody's name or password.
  const message = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return { kind: "open", message };
};

/** Reads a request; the file name is all that stands between its two spaces. */
export const readRequest: Reader<LoginRequest> = (
  bytes,
): Reading<LoginRequest> => {
  if (bytes.length > REQUEST_SIZE_MAX) {
    throw new MalformedError(
      `a request of more than ${REQUEST_SIZE_MAX} bytes`,
    );
  }
  const request = parseRequest(bytes);
  const isWhole = request.command === "LIST" && request.port * 10 > PORT_MAX;
  return isWhole
    ? { kind: "whole", message: request, length: bytes.length }
    : { kind: "open", message: request };
};

function parseRequest(bytes: Uint8Array): LoginRequest {
  const text = ascii(bytes);
  const match = /^-(?:l|g (.+)) ([0-9]+)$/s.exec(text);
  const port = parsePort(match?.[2] ?? "");
  if (match === null || port === undefined) return { command: "UNKNOWN" };
  const [, name] = match;
  return name === undefined
    ? { command: "LIST", port }
    : { command: "GET", port, name: bytes.slice(3, 3 + name.length) };
}

/** Reads the answer to the log-in. */
export const readLoginAnswer: Reader<keyof typeof LOGIN_ANSWERS> = oneOf(
  LOGIN_ANSWERS,
);

/** Reads the answer to a request. */
export const readRequestAnswer: Reader<keyof typeof REQUEST_ANSWERS> = oneOf(
  REQUEST_ANSWERS,
);

/** Reads the answer about a file. */
export const readFileAnswer: Reader<keyof typeof FILE_ANSWERS> = oneOf(
  FILE_ANSWERS,
);

/** A request as it is sent. */
export function encodeRequest(
  path: string | undefined,
  port: number,
): Uint8Array<ArrayBuffer> {
  return UTF8.encode(path === undefined ? `-l ${port}` : `-g ${path} ${port}`);
}
