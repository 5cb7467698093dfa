/**
 * What a server is doing, for those who run it: numbers for Prometheus, health
 * and readiness over HTTP, and traces for OpenTelemetry. All of it is made of
 * the events of the server; a server that nobody observes pays nothing for it.
 *
 * @module
 */
export { type MetricsListener, serveMetrics } from "./deno_http.ts";
export { type Answer, answerProbe, type Probed } from "./probe.ts";
export { ServerMetrics } from "./server_metrics.ts";
export { traceEvent } from "./traces.ts";
