/**
 * The numbers of a server, as Prometheus reads them.
 *
 * @module
 */

import {
  PrometheusExporter,
  PrometheusSerializer,
} from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
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
  readonly #reader = new PrometheusExporter({ preventServerStart: true });
  readonly #meter = new MeterProvider({ readers: [this.#reader] })
    .getMeter("ferry", VERSION);
  readonly #clock: Clock;
  #stop = (): void => {};

  readonly #connections = this.#meter.createUpDownCounter(
    "ferry_connections",
    { description: "Open connections." },
  );
  readonly #sessions = this.#meter.createUpDownCounter("ferry_sessions", {
    description: "Users that are logged in.",
  });
  readonly #logIns = this.#meter.createCounter("ferry_log_ins_total", {
    description: "Log-ins, by method.",
  });
  readonly #refusedLogIns = this.#meter.createCounter(
    "ferry_log_ins_refused_total",
    { description: "Refused log-ins, by error code." },
  );
  readonly #lockOuts = this.#meter.createCounter("ferry_lock_outs_total", {
    description: "Waits that failed log-ins have brought about.",
  });
  readonly #transfers = this.#meter.createCounter("ferry_transfers_total", {
    description: "Files that arrived, by direction as the server sees it.",
  });
  readonly #bytes = this.#meter.createCounter("ferry_transferred_bytes_total", {
    description: "Bytes of those files that were moved.",
  });
  readonly #durations = this.#meter.createHistogram(
    "ferry_transfer_duration_seconds",
    {
      description: "How long files took that were sent or received one by one.",
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    },
  );
  readonly #changes = this.#meter.createCounter("ferry_changes_total", {
    description: "Requests that changed something, by request.",
  });
  readonly #failures = this.#meter.createCounter("ferry_failures_total", {
    description: "Requests that were refused or failed, by error code.",
  });
  readonly #closings = this.#meter.createCounter(
    "ferry_closed_connections_total",
    { description: "Connections that ended before their time, by error code." },
  );
  readonly #delays = this.#meter.createHistogram(
    "ferry_event_loop_delay_seconds",
    {
      description: "How late a timer of the server fired.",
      advice: { explicitBucketBoundaries: DELAY_BUCKETS },
    },
  );

  /** @param clock Tells how late timers are. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#meter.createUpDownCounter("ferry_build_info", {
      description: "Always 1; the label tells the version.",
    }).add(1, { version: VERSION });
    this.#measureDelay();
  }

  /** All numbers in the text format of Prometheus. */
  async text(): Promise<string> {
    const { resourceMetrics } = await this.#reader.collect();
    const serializer = new PrometheusSerializer(
      "",
      false,
      undefined,
      // Neither the path of this program nor the library's names are of use.
      true,
      true,
    );
    return serializer.serialize(resourceMetrics);
  }

  /** Counts an event; hand it to the server as its observer. */
  readonly observe = (event: ServerEvent, { protocol }: EventOrigin): void => {
    switch (event.type) {
      case "connected":
        return this.#connections.add(1, { protocol });
      case "disconnected":
        return this.#connections.add(-1, { protocol });
      case "closing":
        return this.#closings.add(1, { protocol, code: event.code });
      case "log-in":
        this.#sessions.add(1, { protocol });
        return this.#logIns.add(1, { protocol, method: event.method });
      case "log-out":
        return this.#sessions.add(-1, { protocol });
      case "log-in-refused":
        return this.#refusedLogIns.add(1, { protocol, code: event.code });
      case "locked-out":
        return this.#lockOuts.add(1, { protocol });
      case "change":
        return this.#changes.add(1, { protocol, request: event.request });
      case "refusal":
        return this.#failures.add(1, { protocol, code: event.code });
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
    this.#transfers.add(1, { protocol, direction });
    this.#bytes.add(Math.max(0, bytes), { protocol, direction });
    // Small files come in groups: a time of its own none of them has.
    if (duration !== undefined) {
      this.#durations.record(duration / 1000, { direction });
    }
  }

  #measureDelay(): void {
    const due = this.#clock.monotonic() + DELAY_INTERVAL;
    this.#stop = this.#clock.after(DELAY_INTERVAL, () => {
      const delay = Math.max(0, this.#clock.monotonic() - due);
      this.#delays.record(delay / 1000);
      this.#measureDelay();
    });
  }
}
