/** One call to another system as the journal keeps it: redacted, bodies cut at a cap. */
export type Exchange = {
  at: string
  method: string
  url: string
  status: number | null
  ms: number
  requestBytes: number
  responseBytes: number
  requestHeaders?: Record<string, string>
  responseHeaders?: Record<string, string>
  request?: string
  response?: string
  error?: string
}

export type OnExchange = (exchange: Exchange) => void
