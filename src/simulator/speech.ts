/** What a vendor's whole API is spoken in, where it is not JSON or a form: envelopes around every request and answer. */
import { heardSoap, type Soap, saidSoap } from './languages/soap.ts'
import { heardXmlRpc, saidXmlRpc, type XmlRpc } from './languages/xmlrpc.ts'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'

export type Speech = Soap | XmlRpc

/** A call with what its envelope says as `body` and further names; what cannot be read says why. */
export function heard(call: Call, speech: Speech | undefined): Call {
  if (!speech) return call
  try {
    const { body, ...said } = 'soap' in speech ? heardSoap(call, speech) : heardXmlRpc(call, speech)
    // In XML all values are text, as in a form; XML-RPC says their types.
    return { ...call, body, said, form: 'soap' in speech }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return { ...call, body: {}, unread: refusal }
  }
}

/** An answer in its envelope. */
export const spoken = (value: unknown, speech: Speech): { type: string; body: string } =>
  'soap' in speech ? saidSoap(value, speech) : saidXmlRpc(value, speech)
