import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { CausewayError } from '../core/index.ts'

/** Listens, and gives the address under which this machine reaches it. Throws CSW-8010. */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  await app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
    throw new CausewayError('CSW-8010', {
      what: `Cannot listen on ${host}:${port} (${cause.code ?? cause.message}).`,
      cause,
    })
  })
  return reachableUrl(app.server.address() as AddressInfo)
}

/** An address that listens everywhere is called by its loopback name. */
function reachableUrl({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
