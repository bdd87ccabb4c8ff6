/** A draft of a connector out of a description, whichever kind it is. */
import { readFileSync } from 'node:fs'
import { readApiDocuments } from './document.ts'
import { type Draft, draftConnector } from './draft.ts'
import { isWsdl, readWsdl } from './wsdl/document.ts'
import { draftSoapConnector } from './wsdl/draft.ts'

/** Drafts from OpenAPI, Swagger, OData metadata (also several files), or one WSDL. Throws CSW-1005 for what is none of them. */
export function draftFrom(name: string, files: readonly string[]): Draft {
  const wsdl = files.find((file) => isWsdl(readFileSync(file, 'utf8')))
  return wsdl === undefined ? draftConnector(name, readApiDocuments(files)) : draftSoapConnector(name, readWsdl(wsdl))
}
