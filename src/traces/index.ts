import { installTracer } from '../core/index.ts'
import type { TraceSettings } from './settings.ts'

export { traceSettings } from './settings.ts'

/** Makes spans of this process from now on and sends them. Gives what sends the rest and ends it. */
export async function startTraces(settings: TraceSettings): Promise<() => Promise<void>> {
  const { openTracer } = await import('./tracer.ts')
  const { tracer, close } = openTracer(settings)
  const remove = installTracer(tracer)
  return async () => {
    remove()
    await close()
  }
}
