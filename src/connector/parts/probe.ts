/** Walks to a system step by step, so that "it does not work" becomes "step 3 fails, because". Writes nothing. */
import { asCausewayError } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import type { ProbeStep } from '../contract.ts'

/** DNS, connection (with TLS), then `firstPage`, which needs address, credentials and rights. Stops at the first failure. */
export async function probeHttp(
  http: { readonly base: string; locate(signal: AbortSignal): Promise<void> },
  outbound: OutboundClient,
  signal: AbortSignal,
  firstPage: () => Promise<string>,
): Promise<ProbeStep[]> {
  try {
    // A base URL may come from the login only.
    await http.locate(signal)
  } catch (thrown) {
    return [failed('credentials', thrown)]
  }
  const url = new URL(http.base)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'https:'
  const port = Number(url.port) || (secure ? 443 : 80)
  return walk([
    [
      'address',
      async () => (await outbound.dialler.resolveChecked(host, port)).map(({ address }) => address).join(', '),
    ],
    [
      secure ? 'TLS' : 'connection',
      async () => {
        const socket = await outbound.dialler.dial(host, port, { signal, ...(secure ? { tls: true as const } : {}) })
        socket.destroy()
        return `${host}:${port} answers`
      },
    ],
    ['first page', firstPage],
  ])
}

type Step = readonly [name: string, run: () => Promise<string>]

async function walk(steps: readonly Step[]): Promise<ProbeStep[]> {
  const done: ProbeStep[] = []
  for (const [step, run] of steps) {
    try {
      done.push({ step, ok: true, detail: await run() })
    } catch (thrown) {
      done.push(failed(step, thrown))
      break
    }
  }
  return done
}

function failed(step: string, thrown: unknown): ProbeStep {
  const error = asCausewayError(thrown)
  return { step, ok: false, detail: `${error.message} ${error.fix}`, error }
}
