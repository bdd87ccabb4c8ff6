import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, send } from './answer.ts'
import { Call, readBody } from './call.ts'
import { Faults, isApplied, spoil } from './faults.ts'
import { Refusal } from './refusal.ts'
import type { Served } from './served.ts'
import { answerSideDoor, SIDE_DOOR } from './side-door.ts'
import type { StandIn } from './stand-in.ts'

export type Running = { name: string; url: string; port: number; stop(): Promise<void> }

const BODY_CAP = 8 * 1024 * 1024
const REQUESTS_KEPT = 20_000

/** Opens a stand-in on a loopback port. The port must be free; 0 takes any. */
export async function serve(
  standIn: StandIn,
  port: number,
  token: string,
  tick: (times: number) => void,
): Promise<Running> {
  const served: Served = { standIn, faults: new Faults(), requests: [], token, tick }
  const server = createServer((request, response) => {
    handle(served, request, response).catch((error: unknown) => {
      // A client that hung up is its own business; anything else is a bug of the stand-in and must be seen.
      if (!response.destroyed && !request.destroyed) process.stderr.write(`sandbox ${standIn.name}: ${String(error)}\n`)
      response.destroy()
    })
  })
  // Longer than the idle time of usual clients, so that a connection is not closed under a request just being sent.
  server.keepAliveTimeout = 75_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const actual = (server.address() as AddressInfo).port
  return { name: standIn.name, url: `http://127.0.0.1:${actual}`, port: actual, stop: () => stop(server, standIn) }
}

async function stop(server: Server, standIn: StandIn): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
  await standIn.close?.()
  standIn.store.close()
}

async function handle(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = new Call(request)
  if (call.path.startsWith(SIDE_DOOR)) {
    call.body = await readBody(request, BODY_CAP)
    // Tests restart systems on the same port; a pooled socket of the old one would fail their next call.
    response.setHeader('connection', 'close')
    return send(response, answerSideDoor(served, call))
  }
  const fault = served.faults.take(call)
  if (fault?.kind === 'delay') await sleep(fault.ms ?? 1000)
  const answer = fault !== null && !isApplied(fault) ? null : await run(served.standIn, call)
  note(served, call, answer?.status ?? fault?.status ?? 0, fault?.kind)
  if (fault !== null && fault.kind !== 'delay') {
    request.resume()
    return spoil(response, fault, answer)
  }
  return send(response, answer as Answer)
}

/** Carries a call out and saves what it changed before anybody hears of it. */
async function run(standIn: StandIn, call: Call): Promise<Answer> {
  const { waitMs, remaining } = standIn.limit.take()
  const answer = await answerOrRefuse(standIn, call, waitMs)
  standIn.store.commit()
  standIn.committed?.()
  answer.headers = { ...standIn.headers?.(remaining), ...answer.headers }
  return answer
}

async function answerOrRefuse(standIn: StandIn, call: Call, waitMs: number): Promise<Answer> {
  try {
    if (waitMs > 0) throw new Refusal(429, 'rate_limit', 'Too many requests', { waitMs })
    const route = standIn.router.match(call)
    if (route.options.open !== true) standIn.authorise(call)
    if (route.options.streaming !== true) call.body = await readBody(call.request, BODY_CAP)
    return await route.handler(call)
  } catch (error) {
    call.request.resume()
    if (error instanceof Refusal) return standIn.refuse(error)
    // An upload that broke off is the client's affair; everything else here is a bug of the stand-in.
    if (!call.request.readableAborted)
      process.stderr.write(`sandbox ${standIn.name}: ${call.method} ${call.path}: ${(error as Error).stack}\n`)
    return standIn.refuse(new Refusal(500, 'internal', 'Internal error'))
  }
}

function note(served: Served, call: Call, status: number, fault: string | undefined): void {
  const { requests } = served
  const seq = (requests.at(-1)?.seq ?? 0) + 1
  requests.push({ seq, at: Date.now(), method: call.method, path: call.path, status, ...(fault && { fault }) })
  if (requests.length > REQUESTS_KEPT) requests.splice(0, REQUESTS_KEPT / 2)
}
