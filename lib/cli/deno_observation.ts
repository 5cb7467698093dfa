/**
 * Metrics and traces of a real process. What they need is loaded only where
 * somebody asks for them.
 *
 * @module
 */

import { systemClock } from "../platform/mod.ts";
import type { ServerObserver } from "../server/mod.ts";
import type { Observation, ObserveOptions } from "./environment.ts";

/** Observes a server that is going to start. */
export async function observe(options: ObserveOptions): Promise<Observation> {
  const { isReady, metrics: address, traces } = options;
  if (address === undefined && !traces) {
    return {
      observer: undefined,
      address: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const { ServerMetrics, serveMetrics, traceEvent } = await import(
    "../metrics/mod.ts"
  );
  const observers: ServerObserver[] = [];
  if (traces) {
    observers.push((event, origin) =>
      traceEvent(event, origin, systemClock.now())
    );
  }
  await using stack = new AsyncDisposableStack();
  let listening: Observation["address"];
  if (address !== undefined) {
    const metrics = stack.use(new ServerMetrics(systemClock));
    const listener = stack.use(
      serveMetrics(address, {
        isReady,
        text: () => metrics.text(),
      }),
    );
    observers.push(metrics.observe);
    listening = listener.address;
  }
  const held = stack.move();
  return {
    observer: (...told) => observers.forEach((observer) => observer(...told)),
    address: listening,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
