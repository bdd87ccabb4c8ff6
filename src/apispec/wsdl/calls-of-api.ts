/** A WSDL as the description of an API: every operation is a call, at the path of its element. */
import type { ApiDocument } from '../contract.ts'
import { readWsdl } from './document.ts'
import { localOf } from './tree.ts'

/** The method of such calls: they have none of HTTP that would tell them apart. */
export const SOAP_METHOD = 'SOAP'

export function readWsdlCalls(file: string): ApiDocument {
  const { title, operations, lookup } = readWsdl(file, true)
  return {
    file,
    title,
    editions: [{ title, version: '' }],
    prefixes: [''],
    operations: operations.map(({ element, input, output }) => ({
      method: SOAP_METHOD,
      path: `/${localOf(element)}`,
      parameters: [],
      body: { schema: input, form: false },
      ...(output ? { answer: output } : {}),
      lookup,
    })),
    security: [],
    tokenPaths: [],
    lookup,
    marksReadOnly: false,
    ofSets: false,
  }
}
