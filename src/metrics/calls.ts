import { Gauge, Histogram, type Registry } from 'prom-client'
import { type RemoteCall, type RemoteLimit, remoteCalls, remoteLimits } from '../outbound/index.ts'

const SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Measures the calls of this process to other systems. Gives back what ends it. */
export function measureCalls(registry: Registry): () => void {
  const durations = new Histogram({
    name: 'causeway_remote_request_duration_seconds',
    help: 'Calls of this process to other systems, without waits for limits, by class of the status.',
    labelNames: ['connection', 'outcome'],
    buckets: SECONDS,
    registers: [registry],
  })
  const remaining = new Gauge({
    name: 'causeway_quota_remaining',
    help: 'What a system said last is left of one of its limits.',
    labelNames: ['connection', 'limit'],
    registers: [registry],
  })
  const onCall = (message: unknown): void => {
    const { connection, outcome, seconds } = message as RemoteCall
    durations.observe({ connection, outcome }, seconds)
  }
  const onLimit = (message: unknown): void => {
    const { connection, limit, remaining: left } = message as RemoteLimit
    remaining.set({ connection, limit }, left)
  }
  remoteCalls.subscribe(onCall)
  remoteLimits.subscribe(onLimit)
  return () => {
    remoteCalls.unsubscribe(onCall)
    remoteLimits.unsubscribe(onLimit)
  }
}
