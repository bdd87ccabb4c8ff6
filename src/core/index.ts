export * from './backoff.ts'
export * from './clock.ts'
export * from './errors/causeway-error.ts'
export { mayQuote, plainReason, withoutWords } from './errors/quoting.ts'
export { type ErrorCode, registry as errorRegistry } from './errors/registry.ts'
export type { CauseClass } from './errors/spec.ts'
export * from './findings.ts'
export * from './ids.ts'
export * from './json.ts'
export * from './json-paths.ts'
export * from './json-text.ts'
export { lazily } from './lazily.ts'
export { createLogger, type Logger, type LoggerOptions } from './logger.ts'
export * from './nearest.ts'
export { ProcessStops } from './process-stops.ts'
export * from './redaction.ts'
export {
  afterQueue,
  inTimes,
  type RunSplit,
  RunTimes,
  type RunTimesKept,
  splitOf,
  takeQueueWait,
  timed,
  timedSteps,
  timesNow,
} from './run-times.ts'
export {
  inRun,
  inSpan,
  installTracer,
  isTracing,
  type Span,
  type SpanName,
  startSpan,
  type Tracer,
  traced,
  tracedPages,
  validTraceparent,
} from './tracing.ts'
export { urgencyNow, withUrgency } from './urgency.ts'
export * from './validation.ts'
export { watchFolder } from './watch-folder.ts'
export * from './yaml.ts'
export { boundYoung, loadingSmall } from './young-generation.ts'
