/** The operations of the API, as its document names them. */
import type { Scope } from '../../src/access/index.ts'
import type { TestHub } from './hub.ts'
import type { Asked } from './valid-requests.ts'

export type Operation = {
  id: string
  method: string
  path: string
  scope: Scope | undefined
  isPublic: boolean
  takesKeys: boolean
  sends: { query: boolean; body: boolean; params: boolean }
  promised: string[]
}

type Documented = {
  operationId: string
  security: Record<string, Scope[]>[]
  parameters?: { in: string; name: string }[]
  requestBody?: object
  responses: Record<string, object>
}

/** What the document of a hub says of each operation. */
export async function readOperations(hub: TestHub): Promise<Operation[]> {
  const { paths } = (await (await hub.get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Documented>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, parameters = [], requestBody, responses }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      scope: security[0]?.token?.[0],
      isPublic: security.length === 0,
      takesKeys: parameters.some(({ name }) => name === 'idempotency-key'),
      sends: {
        query: parameters.some((one) => one.in === 'query'),
        params: parameters.some((one) => one.in === 'path'),
        body: requestBody !== undefined,
      },
      promised: Object.keys(responses).filter((status) => status !== 'default'),
    })),
  )
}

/** The address with its names filled in. */
export const addressOf = ({ path }: Operation, { params = [], query }: Asked): string => {
  const names = [...params]
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(names.shift()!))
  return query === undefined ? filled : `${filled}?${query}`
}
