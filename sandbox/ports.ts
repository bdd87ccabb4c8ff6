import { createServer } from 'node:net'

/** The wanted port if it is free, otherwise 0, which lets the system choose one. */
export async function freeOr0(wanted: number): Promise<number> {
  if (wanted === 0) return 0
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)))
  })
}
