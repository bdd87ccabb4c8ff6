import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { CausewayError } from '../core/index.ts'
import { notFound } from './problem.ts'
import { BOARD } from './routes/queue-board.ts'

/** Stands in index.html where the nonce of this answer goes; styles that the page makes at run time carry it. */
const NONCE_MARK = '__CSP_NONCE__'

type Allowed = { base: string; style: string }

/** bull-board finds its files and its server by the `base` of its page, and makes one element of styles, which is known by its text. */
const OF_BOARD: Allowed = { base: `'self'`, style: ` 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='` }

const policy = (nonce: string, { base, style }: Allowed = { base: `'none'`, style: '' }): string =>
  [
    `default-src 'self'`,
    `script-src 'self'`,
    `style-src 'self' 'nonce-${nonce}'${style}`,
    `img-src 'self' data:`,
    `connect-src 'self'`,
    `object-src 'none'`,
    `base-uri ${base}`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ')

/** Browsers name what they show. Programs take anything, and would take a page for the answer they came for. */
const isBrowser = (accept = ''): boolean => accept.includes('text/html')

/** A probe of an address that does not exist must not pass because people get a page there. */
const nothingForPrograms = (path: string): CausewayError =>
  notFound(
    `There is no /${path} for programs; browsers get the page there.`,
    'For probes there are `/livez` and `/readyz`, for programs what `/openapi.json` lists.',
  )

/**
 * Serves the admin page from `folder`. The files hold nothing secret and need no token; what they show comes from the API.
 * Unknown paths give browsers index.html, because the page has addresses of its own.
 */
export async function servePage(app: FastifyInstance, folder: string): Promise<void> {
  const index = await readFile(join(folder, 'index.html'), 'utf8')
  const board = await readFile(join(folder, 'board.html'), 'utf8')
  // The build puts compressed copies beside its files.
  await app.register(fastifyStatic, { root: folder, serve: false, preCompressed: true })
  const sendPage = (reply: FastifyReply, html: string, allowed?: Allowed): FastifyReply => {
    const nonce = randomBytes(16).toString('base64')
    return reply
      .header('content-security-policy', policy(nonce, allowed))
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(html.replaceAll(NONCE_MARK, nonce))
  }
  const sendIndex = (reply: FastifyReply): FastifyReply => sendPage(reply, index)
  const sendBoard = (reply: FastifyReply): FastifyReply => sendPage(reply, board, OF_BOARD)
  app.get(BOARD, { config: { access: 'public' } }, (_request, reply) => sendBoard(reply))
  app.get<{ Params: { '*': string } }>(`${BOARD}/*`, { config: { access: 'public' } }, (request, reply) => {
    const path = request.params['*']
    return path.startsWith('static/') ? reply.sendFile(`board/${path}`) : sendBoard(reply)
  })
  // Where a start says the page and the reference are, they are for whoever asks.
  for (const told of ['/', '/docs'])
    app.get(told, { config: { access: 'public' } }, (_request, reply) => sendIndex(reply))
  app.get<{ Params: { '*': string } }>('/*', { config: { access: 'public' } }, (request, reply) => {
    const path = request.params['*']
    if (path.startsWith('api/') || path.startsWith('hooks/')) throw notFound('There is nothing under this address.')
    // Built files carry a hash in their name, so they may be kept for good.
    if (path.startsWith('assets/')) return reply.sendFile(path, { maxAge: '365d', immutable: true })
    if (/\.\w+$/.test(path)) return reply.sendFile(path)
    if (!isBrowser(request.headers.accept)) throw nothingForPrograms(request.params['*'])
    return sendIndex(reply)
  })
}
