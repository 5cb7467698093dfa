/**
 * The events of a server as spans for OpenTelemetry. Deno exports them where
 * `OTEL_DENO=true` says so; elsewhere the library throws them away.
 *
 * @module
 */

import {
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { VERSION } from "../platform/mod.ts";
import type { EventOrigin, ServerEvent } from "../server/mod.ts";

/** The value of an attribute; what is no plain value is left out. */
type Attributes = Record<string, string | number | boolean>;

function attributesOf(
  event: ServerEvent,
  origin: EventOrigin,
): Attributes {
  const attributes: Attributes = {};
  const fields = Object.entries({ ...event, ...origin });
  for (const [name, value] of fields) {
    const isPlain = ["string", "number", "boolean"].includes(typeof value);
    if (isPlain && name !== "type" && name !== "duration") {
      attributes[`ferry.${name}`] = value as Attributes[string];
    }
  }
  return attributes;
}

/** What a span of an event is called; `undefined`: it gets none. */
function nameOf(event: ServerEvent): string | undefined {
  switch (event.type) {
    case "connected":
    case "disconnected":
    case "locked-out":
    case "log-in":
      return undefined;
    case "change":
    case "received":
    case "refusal":
    case "sent":
      return `ferry ${event.request}`;
    case "closing":
    case "log-in-refused":
    case "log-out":
      return `ferry ${event.type}`;
  }
}

/**
 * Makes a span of an event that has a length, or went wrong.
 *
 * @param event What happened.
 * @param origin With whom.
 * @param now Milliseconds since 1970: when it ended.
 * @param tracer Who makes spans. @default {the tracer "ferry" of this process}
 */
export function traceEvent(
  event: ServerEvent,
  origin: EventOrigin,
  now: number,
  tracer: Tracer = trace.getTracer("ferry", VERSION),
): void {
  const name = nameOf(event);
  if (name === undefined) return;
  const duration = "duration" in event ? event.duration ?? 0 : 0;
  const span = tracer.startSpan(name, {
    kind: SpanKind.SERVER,
    startTime: now - duration,
    attributes: attributesOf(event, origin),
  });
  if ("reason" in event) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: event.reason });
  }
  span.end(now);
}
