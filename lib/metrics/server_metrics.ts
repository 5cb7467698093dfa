/**
 * The numbers of a server, as Prometheus reads them.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Clock, VERSION } from "../platform/mod.ts";
import type { EventOrigin, ServerEvent } from "../server/mod.ts";

/** Upper ends, in seconds: from a small file on loopback to an hour. */
const DURATION_BUCKETS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600];

/** Upper ends, in seconds: a loop that is 100 ms late delays every session. */
const DELAY_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

/** Milliseconds between two looks at how late the event loop is. */
const DELAY_INTERVAL = 1000;

/** Counts what happens in a server. */
export class ServerMetrics implements Disposable {
  readonly #registry = new Registry();
  readonly #clock: Clock;
  #stop = (): void => {};

  readonly #connections = this.#gauge(
    "ferry_connections",
    "Open connections.",
    "protocol",
  );
  readonly #sessions = this.#gauge(
    "ferry_sessions",
    "Users that are logged in.",
    "protocol",
  );
  readonly #logIns = this.#counter(
    "ferry_log_ins_total",
    "Log-ins, by method.",
    "protocol",
    "method",
  );
  readonly #refusedLogIns = this.#counter(
    "ferry_log_ins_refused_total",
    "Refused log-ins, by error code.",
    "protocol",
    "code",
  );
  readonly #transfers = this.#counter(
    "ferry_transfers_total",
    "Files that arrived, by direction as the server sees it.",
    "protocol",
    "direction",
  );
  readonly #bytes = this.#counter(
    "ferry_transferred_bytes_total",
    "Bytes of those files that were moved.",
    "protocol",
    "direction",
  );
  readonly #durations = new Histogram({
    name: "ferry_transfer_duration_seconds",
    help: "How long files took that were sent or received one by one.",
    labelNames: ["direction"],
    buckets: DURATION_BUCKETS,
    registers: [this.#registry],
  });
  readonly #changes = this.#counter(
    "ferry_changes_total",
    "Requests that changed something, by request.",
    "protocol",
    "request",
  );
  readonly #failures = this.#counter(
    "ferry_failures_total",
    "Requests that were refused or failed, by error code.",
    "protocol",
    "code",
  );
  readonly #closings = this.#counter(
    "ferry_closed_connections_total",
    "Connections that ended before their time, by error code.",
    "protocol",
    "code",
  );
  readonly #delays = new Histogram({
    name: "ferry_event_loop_delay_seconds",
    help: "How late a timer of the server fired.",
    buckets: DELAY_BUCKETS,
    registers: [this.#registry],
  });

  /** @param clock Tells how late timers are. */
  constructor(clock: Clock) {
    this.#clock = clock;
    new Gauge({
      name: "ferry_build_info",
      help: "Always 1; the label tells the version.",
      labelNames: ["version"],
      registers: [this.#registry],
    }).set({ version: VERSION }, 1);
    this.#measureDelay();
  }

  /** Of the answer to Prometheus. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All numbers in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts an event; hand it to the server as its observer. */
  readonly observe = (event: ServerEvent, { protocol }: EventOrigin): void => {
    switch (event.type) {
      case "connected":
        return this.#connections.inc({ protocol });
      case "disconnected":
        return this.#connections.dec({ protocol });
      case "closing":
        return this.#closings.inc({ protocol, code: event.code });
      case "log-in":
        this.#sessions.inc({ protocol });
        return this.#logIns.inc({ protocol, method: event.method });
      case "log-out":
        return this.#sessions.dec({ protocol });
      case "log-in-refused":
        return this.#refusedLogIns.inc({ protocol, code: event.code });
      case "change":
        return this.#changes.inc({ protocol, request: event.request });
      case "refusal":
        return this.#failures.inc({ protocol, code: event.code });
      case "sent":
        return this.#moved(protocol, "sent", event.bytes, event.duration);
      case "received": {
        const { duration, publication, resumedFrom, size } = event;
        const bytes = publication === "skipped" ? 0 : size - resumedFrom;
        return this.#moved(protocol, "received", bytes, duration);
      }
    }
  };

  [Symbol.dispose](): void {
    this.#stop();
  }

  #moved(
    protocol: string,
    direction: "received" | "sent",
    bytes: number,
    duration: number | undefined,
  ): void {
    this.#transfers.inc({ protocol, direction });
    this.#bytes.inc({ protocol, direction }, Math.max(0, bytes));
    // Small files come in groups: a time of its own none of them has.
    if (duration !== undefined) {
      this.#durations.observe({ direction }, duration / 1000);
    }
  }

  #measureDelay(): void {
    const due = this.#clock.monotonic() + DELAY_INTERVAL;
    this.#stop = this.#clock.after(DELAY_INTERVAL, () => {
      const delay = Math.max(0, this.#clock.monotonic() - due);
      this.#delays.observe(delay / 1000);
      this.#measureDelay();
    });
  }

  #gauge<T extends string>(
    name: string,
    help: string,
    ...labelNames: readonly T[]
  ): Gauge<T> {
    const registers = [this.#registry];
    return new Gauge({ name, help, labelNames, registers });
  }

  #counter<T extends string>(
    name: string,
    help: string,
    ...labelNames: readonly T[]
  ): Counter<T> {
    const registers = [this.#registry];
    return new Counter({ name, help, labelNames, registers });
  }
}
