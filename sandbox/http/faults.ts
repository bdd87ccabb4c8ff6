import type { ServerResponse } from 'node:http'
import { type Answer, encode } from './answer.ts'
import type { Call } from './call.ts'

/**
 * A fault a test asks for.
 * `status`: answer with this status. `html`: 200 with a page instead of data. `cut`: half the answer, then the socket closes.
 * `reset`: no answer, the socket closes. `silent`: no answer, the socket stays. `drip`: the answer one byte at a time.
 * `delay`: the right answer, later.
 */
export type FaultSpec = {
  kind: 'status' | 'html' | 'cut' | 'reset' | 'silent' | 'drip' | 'delay'
  /** How many requests it meets; 1 when absent. */
  times?: number
  /** Lets this many matching requests pass first. */
  after?: number
  method?: string
  /** Only paths that begin with this. */
  path?: string
  /** Whether the request is carried out although the answer is spoilt. Absent: yes for cut, drip and delay, else no. */
  applied?: boolean
  status?: number
  retryAfter?: string
  /** Delay, or time between two bytes of a drip. */
  ms?: number
}

/** The faults still to come; each request meets the first that fits. */
export class Faults {
  #waiting: (FaultSpec & { times: number; after: number })[] = []

  add(spec: FaultSpec): void {
    this.#waiting.push({ ...spec, times: spec.times ?? 1, after: spec.after ?? 0 })
  }

  clear(): void {
    this.#waiting = []
  }

  list(): FaultSpec[] {
    return this.#waiting
  }

  take(call: Call): FaultSpec | null {
    for (const fault of this.#waiting) {
      if (fault.method !== undefined && fault.method !== call.method) continue
      if (fault.path !== undefined && !call.path.startsWith(fault.path)) continue
      if (fault.after > 0) {
        fault.after -= 1
        continue
      }
      fault.times -= 1
      if (fault.times <= 0) this.#waiting = this.#waiting.filter((other) => other !== fault)
      return fault
    }
    return null
  }
}

export const isApplied = (fault: FaultSpec): boolean => fault.applied ?? ['cut', 'drip', 'delay'].includes(fault.kind)

/** Answers as the fault says. `answer` is the right one where the request was carried out. */
export async function spoil(response: ServerResponse, fault: FaultSpec, answer: Answer | null): Promise<void> {
  switch (fault.kind) {
    case 'status':
      return spoilWithStatus(response, fault)
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end('<!doctype html><title>Maintenance</title><h1>We will be right back</h1>')
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'silent':
      return
    case 'cut':
    case 'drip':
      return spoilBody(response, fault, answer ?? { status: 200, json: { results: [] } })
    case 'delay':
      throw new Error('a delay is waited for before the answer is sent')
  }
}

function spoilWithStatus(response: ServerResponse, fault: FaultSpec): void {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (fault.retryAfter !== undefined) headers['retry-after'] = fault.retryAfter
  response.writeHead(fault.status ?? 500, headers)
  response.end(JSON.stringify({ error: 'injected fault', status: fault.status ?? 500 }))
}

async function spoilBody(response: ServerResponse, fault: FaultSpec, answer: Answer): Promise<void> {
  const { headers, body } = encode(answer)
  response.writeHead(answer.status, { ...headers, 'content-length': String(Math.max(body.length, 2)) })
  if (fault.kind === 'cut') {
    // Wait until the first half is handed over, otherwise the reset may overtake it.
    await new Promise<void>((resolve) => response.write(body.subarray(0, body.length >> 1), () => resolve()))
    response.socket?.destroy()
    return
  }
  for (const byte of body) {
    if (response.destroyed) return
    response.write(Buffer.from([byte]))
    await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 200))
  }
  response.end()
}
